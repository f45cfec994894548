from __future__ import annotations

import numpy as np
import pytest

from foretaste.data import Dataset
from foretaste.errors import ConfigError, NotFittedError
from foretaste.models import ALS, BPR, EASE, ItemKNN, Recommender
from foretaste.models._validation import ndcg_on
from foretaste.models.recency import ByRecency
from tests.contracts.worlds import dataset

PEOPLE, RING = 200, 60


def walks() -> Dataset:
    """Everybody walks along a ring: what comes next lies beside the latest, not the oldest."""
    starts = np.random.default_rng(0).integers(RING, size=PEOPLE)
    return dataset(
        (f"p{n}", [int(start + step) % RING for step in range(8)]) for n, start in enumerate(starts)
    )


def tastes_and_whims() -> Dataset:
    """Everybody has one taste of five, and an action in two is a whim that tells nothing."""
    rng = np.random.default_rng(0)
    rows = []
    for n in range(PEOPLE):
        taste = [f"taste-{n % 5}-{i}" for i in rng.permutation(20)[:10]]
        whims = [f"whim-{i}" for i in rng.permutation(20)[:8]]
        mixed = [one for pair in zip(taste, whims, strict=False) for one in pair]
        rows.append((f"p{n}", [*mixed, *taste[-2:]]))
    return dataset(rows)


@pytest.mark.parametrize("model", [ItemKNN, ALS])
def test_what_validation_says_is_taken(model: type[ByRecency]) -> None:
    found = []
    for world in (walks(), tastes_and_whims()):
        split = world.split("leave-one-out")
        chosen = model().fit(split.train, split.validation)
        found.append(chosen.half_life)
        usual = model().fit(split.train)
        assert ndcg_on(chosen, split.validation) >= ndcg_on(usual, split.validation)
        again = type(chosen).from_state(chosen.state())
        assert again.half_life == chosen.half_life
        assert again.config.half_life == "auto"
    latest, all_alike = found
    assert latest < all_alike
    assert all_alike > 5


@pytest.mark.parametrize("model", [ItemKNN, EASE, ALS, BPR])
def test_without_targets_the_usual_one_is_taken_and_a_given_one_is_kept(
    model: type[ByRecency],
) -> None:
    split = tastes_and_whims().split("leave-one-out")
    assert model().fit(split.train).half_life == model.usual_half_life
    given = model(half_life=4).fit(split.train, split.validation)
    assert given.half_life == 4
    assert given.config.model_dump(mode="json")["half_life"] == 4
    assert model(half_life=None).fit(split.train, split.validation).half_life == np.inf


def test_learning_on_keeps_what_was_chosen() -> None:
    split = tastes_and_whims().split("leave-one-out")
    model: Recommender = ItemKNN().fit(split.train, split.validation)
    assert isinstance(model, ByRecency)
    chosen = model.half_life
    assert chosen != model.usual_half_life
    model.partial_fit(split.train.events.head(3).with_columns(timestamp=10**6))
    assert model.half_life == chosen


@pytest.mark.parametrize("value", [0, -1, "soon", float("nan"), True, [1]])
def test_what_is_no_half_life_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="above 0, auto or null") as caught:
        EASE(half_life=value)
    assert caught.value.field == "half_life"


def test_before_a_fit_there_is_none() -> None:
    with pytest.raises(NotFittedError):
        _ = ItemKNN().half_life
