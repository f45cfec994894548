from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foretaste.data import Dataset
from foretaste.errors import InputError, NotFittedError
from foretaste.models import Ranking, SequenceRecommender
from tests.contracts.test_recommenders import LetterEncoder
from tests.contracts.worlds import dataset
from tests.models.sequence.test_model import SMALL, TasteEncoder, cycle

#: Takes no step that could be seen, so that what it started from can.
STILL = {"epochs": 1, "learning_rate": 1e-12, "average": 0}
LEARN = {"epochs": 20, "learning_rate": 0.02, "warmup_steps": 0, "average": 0.9}


def wider_cycle() -> Dataset:
    """Items 4 to 11: half of them are those of `cycle`."""
    return dataset((f"p{p}", [4 + (p + step) % 8 for step in range(5)]) for p in range(20))


def learnt(**settings: object) -> SequenceRecommender:
    return SequenceRecommender(**SMALL, training=LEARN, **settings).fit(cycle())


def test_it_starts_where_the_other_ended() -> None:
    first = learnt(objectives=[{"kind": "masked_item"}])
    second = SequenceRecommender(**SMALL, training=STILL).fit(cycle(), start_from=first)
    histories, items = [[0, 1, 2], [5]], list(range(8))
    expected = first.score(histories, items)
    np.testing.assert_allclose(second.score(histories, items), expected, atol=1e-5)
    third = SequenceRecommender(**SMALL, training=STILL).fit(cycle())
    assert not np.allclose(third.score(histories, items), expected, atol=1e-2)


def test_items_are_carried_over_by_their_ids() -> None:
    first = learnt(content=LetterEncoder())
    second = SequenceRecommender(**SMALL, content=LetterEncoder(), training=STILL)
    second.fit(wider_cycle(), start_from=first)

    def correction(model: SequenceRecommender, item: int) -> np.ndarray:
        [code] = model.item_vocabulary.encode([item])
        return model.network.table.correction[int(code)].detach().numpy()

    for item in range(4, 8):
        np.testing.assert_allclose(correction(second, item), correction(first, item), atol=1e-6)
    for item in range(8, 12):
        np.testing.assert_allclose(correction(second, item), 0, atol=1e-6)
    # Their words too are told in the coordinates of then.
    vectors = [
        model.input_vectors(np.array([5 - start], np.int32))
        for model, start in ((first, -1), (second, 3))
    ]
    np.testing.assert_allclose(*vectors, atol=1e-5)


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"backbone": "gru"}, "backbone"),
        ({"layers": 1}, "layers"),
        ({"dimension": 12}, "dimension"),
        ({"content": LetterEncoder()}, "content"),
    ],
)
def test_a_start_of_another_shape_is_refused(other: dict[str, object], field: str) -> None:
    first = SequenceRecommender(**{**SMALL, **other}, training=STILL).fit(cycle())
    with pytest.raises(InputError) as raised:
        SequenceRecommender(**SMALL, training=STILL).fit(cycle(), start_from=first)
    assert raised.value.field == field


def test_a_start_with_other_words_is_refused() -> None:
    first = SequenceRecommender(**SMALL, content=LetterEncoder(), training=STILL).fit(cycle())
    second = SequenceRecommender(**SMALL, content=TasteEncoder(), training=STILL)
    with pytest.raises(InputError, match="in another way"):
        second.fit(cycle(), start_from=first)


def test_a_start_with_other_items_is_refused() -> None:
    strange = dataset([(p, ["x", "y", "z"]) for p in range(3)])
    first = SequenceRecommender(**SMALL, training=STILL).fit(strange)
    with pytest.raises(InputError, match="no item in common"):
        SequenceRecommender(**SMALL, training=STILL).fit(cycle(), start_from=first)


def test_a_start_that_has_learnt_nothing_is_refused() -> None:
    with pytest.raises(NotFittedError):
        SequenceRecommender(**SMALL).fit(cycle(), start_from=SequenceRecommender(**SMALL))


def test_a_second_fit_without_a_start_forgets_it() -> None:
    first, model = learnt(), SequenceRecommender(**SMALL, training=STILL)
    model.fit(cycle(), start_from=first)
    again = model.fit(cycle()).score([[1]], [2])
    assert again == SequenceRecommender(**SMALL, training=STILL).fit(cycle()).score([[1]], [2])


def test_a_checkpoint_of_another_start_is_not_gone_on_from(tmp_path: Path) -> None:
    split = cycle().split("leave-one-out")

    def stopped(start: SequenceRecommender | None) -> set[str]:
        """Names of the files there are after a training that is stopped in its second epoch."""
        model = SequenceRecommender(**SMALL, training={**STILL, "epochs": 2})
        rank, told = model.rank, itertools.count()

        def interrupted(*args: Any, **options: Any) -> Ranking:
            if next(told):
                raise KeyboardInterrupt
            return rank(*args, **options)

        model.rank = interrupted
        with pytest.raises(KeyboardInterrupt):
            model.fit(split.train, split.validation, checkpoints=tmp_path, start_from=start)
        return {path.name for path in tmp_path.iterdir()}

    assert len(stopped(None)) == 1
    assert len(stopped(learnt())) == 2
