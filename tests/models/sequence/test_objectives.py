from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.errors import ConfigError, DataError
from foretaste.models import SequenceRecommender
from foretaste.models.sequence.objectives.same_target import _Leading
from foretaste.models.sequence.objectives.views import (
    cut,
    hidden_places,
    lengths_of,
    random_run,
    shuffled,
)
from foretaste.training import contrastive_loss, seeded
from tests.contracts.worlds import dataset
from tests.models.sequence.test_model import SMALL, cycle

KINDS = ["augmentation", "same_target", "masked_item", "item_attribute", "segment"]
QUICK = {"epochs": 3, "learning_rate": 0.02, "warmup_steps": 0}

CODES = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=9), min_size=1, max_size=6)


def padded(rows: list[list[int]]) -> torch.Tensor:
    return torch.from_numpy(Ragged.from_rows(rows).padded()).long()


def told(codes: torch.Tensor) -> list[list[int]]:
    return [row[row > 0].tolist() for row in codes]


def categorised() -> Any:
    items = pl.DataFrame({"item_id": [*range(8)], "categories": [[str(i % 2)] for i in range(8)]})
    return dataset([(f"p{p}", [(p + step) % 8 for step in range(5)]) for p in range(30)], items)


@settings(deadline=None)
@given(rows=CODES, share=st.floats(0.05, 1.0), seed=st.integers(0, 99))
def test_views_of_a_sequence_keep_its_items(rows: list[list[int]], share: float, seed: int) -> None:
    codes = padded(rows)
    lengths = lengths_of(codes)
    assert lengths.tolist() == [len(row) for row in rows]
    with seeded(seed):
        run = random_run(lengths, codes.shape[1], share)
        part, sizes = cut(codes, run)
        mixed = shuffled(codes, run)
        hidden = hidden_places(codes, min(share, 0.9))
    assert not (hidden & (codes == 0)).any()
    assert hidden.any(1).all()
    for row, places, cropped, size, other in zip(
        rows, run, told(part), sizes, told(mixed), strict=True
    ):
        first = int(places.long().argmax())
        size = int(size)  # noqa: PLW2901
        assert size == max(1, int(np.float32(len(row)) * np.float32(share)))
        assert cropped == row[first : first + size]
        assert sorted(other) == sorted(row)
        assert other[:first] == row[:first]
        assert other[first + size :] == row[first + size :]


def test_views_differ_from_draw_to_draw() -> None:
    codes = padded([list(range(1, 30))])
    run = random_run(lengths_of(codes), 29, 0.5)
    assert told(shuffled(codes, run)) != told(shuffled(codes, run))


def test_a_contrastive_loss_falls_as_counterparts_meet() -> None:
    with seeded(0):
        one, other = torch.randn(2, 20, 8)
    near = contrastive_loss(one, one + 0.1 * other, 0.2)
    assert near < contrastive_loss(one, other, 0.2)
    torch.testing.assert_close(
        contrastive_loss(5 * one, other, 0.2), contrastive_loss(one, other, 0.2)
    )


def test_what_has_the_same_label_is_no_negative() -> None:
    with seeded(0):
        one, other = torch.randn(2, 4, 8)
    same = torch.zeros(4, dtype=torch.long)
    # Nothing is left to be told from.
    assert contrastive_loss(one, other, 0.2, same).item() == pytest.approx(0, abs=1e-6)
    assert contrastive_loss(one, other, 0.2, torch.arange(4)) > 0.1


def test_what_led_to_an_item_comes_before_it() -> None:
    leading = _Leading(Ragged.from_rows([[1, 2, 3, 2], [3, 5, 2], [2]]))
    drawn = [leading.draw(torch.tensor([2, 3, 5]), 2) for _ in range(40)]
    for codes, lengths in drawn:
        assert lengths_of(codes).tolist() == lengths.tolist()
    before = [[tuple(row) for row in told(codes)] for codes, _ in drawn]
    to_two, to_three, to_five = (set(rows) for rows in zip(*before, strict=True))
    assert to_two == {(1,), (2, 3), (3, 5)}
    assert to_three == {(1, 2)}
    assert to_five == {(3,)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backbone", ["transformer", "bert4rec"])
def test_an_objective_alone_can_be_learnt(kind: str, backbone: str) -> None:
    model = SequenceRecommender(
        **SMALL,
        backbone=backbone,
        own_weight=0,
        objectives=[{"kind": kind, "weight": 1.0}],
        training={**QUICK, "epochs": 8, "average": 0},
    ).fit(categorised())
    losses = [epoch.loss for epoch in model.training_history.epochs]
    assert min(losses[-3:]) < losses[0]


def test_every_objective_changes_what_is_learnt_and_weighs_in() -> None:
    histories, items = [[0, 1, 2]], list(range(8))

    def scores(*objectives: dict[str, Any]) -> tuple[float, ...]:
        model = SequenceRecommender(**SMALL, objectives=objectives, training=QUICK)
        return tuple(model.fit(categorised()).score(histories, items)[0])

    found = {scores(), scores({"kind": "masked_item", "weight": 1.0})}
    found |= {scores({"kind": kind}) for kind in KINDS}
    assert len(found) == 2 + len(KINDS)


def test_item_attributes_end_in_the_vectors() -> None:
    model = SequenceRecommender(
        **SMALL,
        own_weight=0,
        objectives=[{"kind": "item_attribute"}],
        training={**QUICK, "epochs": 60},
    ).fit(categorised())
    vectors = model.input_vectors(np.arange(1, 9, dtype=np.int32))
    likeness = torch.corrcoef(vectors)
    assert likeness[0, 2::2].mean() > likeness[0, 1::2].mean() + 0.3


def test_attributes_need_a_catalogue_that_has_them() -> None:
    with pytest.raises(DataError, match="no categories"):
        SequenceRecommender(**SMALL, objectives=[{"kind": "item_attribute"}]).fit(cycle())


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"objectives": [{"kind": "segment", "shares": 0.1}]}, "objectives.0.segment.shares"),
        ({"objectives": [{"kind": "segments"}]}, "objectives.0"),
        ({"own_weight": 0}, ""),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as raised:
        SequenceRecommender(**settings)
    assert raised.value.field == field
