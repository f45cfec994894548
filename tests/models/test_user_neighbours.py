from __future__ import annotations

import numpy as np
import pytest

from foretaste.data import Dataset
from foretaste.models import UserKNN
from tests.contracts.worlds import dataset
from tests.models.test_neighbours import HISTORIES, ITEMS

PEOPLE = np.array([[item in history for item in ITEMS] for history in HISTORIES.values()], float)


@pytest.fixture
def world() -> Dataset:
    return dataset(HISTORIES.items())


@pytest.mark.parametrize("shrinkage", [0.0, 3.0])
def test_scores_are_votes_of_people_alike(world: Dataset, shrinkage: float) -> None:
    model = UserKNN(shrinkage=shrinkage, half_life=None).fit(world)
    query = np.array([1, 0, 1, 0, 0])
    similarity = PEOPLE @ query / np.sqrt(PEOPLE.sum(axis=1) + shrinkage)
    scores = model.score([["a", "c"]], ITEMS)[0]
    np.testing.assert_allclose(scores[:4], (similarity @ PEOPLE)[:4], rtol=1e-6)
    assert scores[4] < 0


def test_jaccard(world: Dataset) -> None:
    model = UserKNN(weighting="jaccard", shrinkage=0, half_life=None).fit(world)
    query = np.array([1, 0, 1, 0, 0])
    shared = PEOPLE @ query
    similarity = shared / (PEOPLE.sum(axis=1) + 2 - shared)
    expected = similarity @ PEOPLE
    np.testing.assert_allclose(model.score([["a", "c"]], ITEMS)[0, :4], expected[:4], rtol=1e-6)


def test_only_the_nearest_people_vote(world: Dataset) -> None:
    # "t" alone has "e"; "r" is nearest to ["c", "d"], and has nothing else.
    model = UserKNN(neighbours=1, shrinkage=0).fit(world)
    scores = model.score([["c", "d"]], ITEMS)[0]
    assert (scores > 0).nonzero()[0].tolist() == [2, 3]


def test_recent_actions_find_the_neighbours(world: Dataset) -> None:
    model = UserKNN(neighbours=1, shrinkage=0, half_life=0.2).fit(world)
    assert model.score([["d", "c", "e"]], ITEMS)[0].argmax() == 4


@pytest.mark.parametrize("weighting", ["cosine", "jaccard", "bm25", "tfidf"])
def test_weightings_come_back_from_the_state(world: Dataset, weighting: str) -> None:
    model = UserKNN(weighting=weighting).fit(world)
    again = UserKNN.from_state(model.state())
    np.testing.assert_array_equal(again.score([["a"]], ITEMS), model.score([["a"]], ITEMS))
