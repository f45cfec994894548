from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretaste.data import Ragged
from foretaste.models import ItemKNN, Popularity, WeightedHybrid
from foretaste.models.hybrid.weighted import likeliest_weights
from tests.contracts.worlds import dataset, two_tastes


def test_the_member_that_knows_gets_the_weight() -> None:
    split = two_tastes().split("leave-one-out")
    model = WeightedHybrid(recommenders=[ItemKNN(), Popularity()])
    weights = model.fit(split.train, split.validation).weights
    assert weights["0 itemknn"] > 3 * weights["1 popularity"]


class SureOfThePast(ItemKNN):
    """Ranks new items well, and puts those of the history before them, as linear models do."""

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        scores = super()._score(histories)
        scores[histories.row_of_value, histories.values] += 5
        return scores


def test_a_member_is_not_mistrusted_for_items_that_nobody_asks_for() -> None:
    split = two_tastes().split("leave-one-out")
    model = WeightedHybrid(recommenders=[SureOfThePast(), Popularity()])
    weights = model.fit(split.train, split.validation).weights
    assert weights["0 itemknn"] > 3 * weights["1 popularity"]


def test_weights_are_the_likeliest() -> None:
    """Targets drawn from the softmax of known weights: they are found again."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 10, 3))
    true = np.array([1.5, 0.0, 0.7])
    logits = features @ true + rng.gumbel(size=(4000, 10))
    wanted = np.zeros((4000, 10), bool)
    wanted[np.arange(4000), logits.argmax(1)] = True
    sizes = np.full(4000, 10)
    found = likeliest_weights(features.reshape(-1, 3).astype(np.float32), wanted.ravel(), sizes)
    np.testing.assert_allclose(found, true, atol=0.1)


def test_nothing_to_learn_from_counts_alike() -> None:
    features = np.ones((4, 2), np.float32)
    alike = likeliest_weights(features, np.zeros(4, bool), np.array([2, 2]))
    assert alike.tolist() == [0.5, 0.5]
    short = dataset([("p", ["a", "b"]), ("q", ["b", "c"])])
    model = WeightedHybrid(recommenders=[ItemKNN(), Popularity()]).fit(short)
    assert list(model.weights.values()) == [0.5, 0.5]
