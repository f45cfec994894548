from __future__ import annotations

import numpy as np
import pytest

from foretaste.data import Dataset
from foretaste.errors import ConfigError
from foretaste.models import ItemKNN
from tests.contracts.worlds import dataset

ITEMS = ["a", "b", "c", "d", "e"]
HISTORIES = {
    "p": ["a", "b", "b"],
    "q": ["b", "a", "c"],
    "r": ["c", "d"],
    "s": ["d", "a", "b", "c"],
    "t": ["e"],
}


@pytest.fixture
def world() -> Dataset:
    return dataset(HISTORIES.items())


def similarity(shrinkage: float) -> np.ndarray:
    """By the definition, item by item."""
    people = np.array([[item in history for item in ITEMS] for history in HISTORIES.values()], int)
    together = people.T @ people
    counts = people.sum(axis=0) + shrinkage
    shrunk = together / np.sqrt(np.outer(counts, counts))
    np.fill_diagonal(shrunk, 0)
    return shrunk


@pytest.mark.parametrize("shrinkage", [0.0, 2.5])
def test_scores_are_similarities_to_the_history(world: Dataset, shrinkage: float) -> None:
    model = ItemKNN(shrinkage=shrinkage, half_life=None).fit(world)
    scores = model.score([["a"], ["c", "d"]], ITEMS)
    expected = similarity(shrinkage)
    np.testing.assert_allclose(scores[0, 1:4], expected[0, 1:4], rtol=1e-6)
    np.testing.assert_allclose(scores[1, :4], (expected[2] + expected[3])[:4], rtol=1e-6)


def test_latest_action_counts_most(world: Dataset) -> None:
    scores = ItemKNN(shrinkage=0, half_life=2).fit(world).score([["d", "a", "b"]], ITEMS)
    weights = 0.5 ** (np.array([2, 1, 0]) / 2)
    expected = weights @ similarity(0)[[3, 0, 1]]
    np.testing.assert_allclose(scores[0, :4], expected[:4], rtol=1e-6)


def test_only_the_nearest_neighbours_count(world: Dataset) -> None:
    model = ItemKNN(neighbours=1, shrinkage=0).fit(world)
    nearest = similarity(0).argmax(axis=1)
    for place, item in enumerate(ITEMS[:4]):
        assert (model.score([[item]], ITEMS)[0] > 0).nonzero()[0].tolist() == [nearest[place]]


def test_items_without_evidence_follow_by_popularity(world: Dataset) -> None:
    scores = ItemKNN().fit(world).score([["e"]], ITEMS)[0]
    assert (scores < 0).all()
    assert np.argsort(-scores).tolist() == np.argsort(-world.item_counts[1:]).tolist()


def test_shrinkage_prefers_what_many_people_confirm() -> None:
    often = [(f"often-{n}", ["x", "y"]) for n in range(8)] + [("alone", ["y"])]
    world = dataset([*often, ("once", ["x", "z"])])
    assert ItemKNN(shrinkage=0).fit(world).recommend(histories=[["y"]], k=1)["item_id"][0] == "x"
    bold, careful = (
        ItemKNN(shrinkage=shrinkage).fit(world).score([["x"]], ["y", "z"])[0]
        for shrinkage in (0, 10)
    )
    assert careful[0] / careful[1] > bold[0] / bold[1]


@pytest.mark.parametrize(
    "settings", [{"neighbours": 0}, {"shrinkage": -1}, {"half_life": 0}, {"half_life": np.inf}]
)
def test_settings_out_of_range(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        ItemKNN(**settings)
