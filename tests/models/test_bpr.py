from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.bpr import BayesianPersonalizedRanking

from foretaste.models import BPR
from foretaste.models._implicit import interactions
from tests.contracts.worlds import COLD, two_tastes

SETTINGS = {"factors": 4, "iterations": 5, "seed": 3}


def test_vectors_are_those_of_implicit() -> None:
    world = two_tastes()
    model = BPR(**SETTINGS).fit(world)
    oracle = BayesianPersonalizedRanking(
        factors=4,
        learning_rate=0.05,
        regularization=0.01,
        iterations=5,
        random_state=3,
        num_threads=1,
    )
    oracle.fit(interactions(world, model.config), show_progress=False)
    warm = world.item_counts > 0
    found = model.state().tensors["bpr.item_factors"]
    np.testing.assert_array_equal(found[warm], oracle.item_factors[warm])


def test_a_person_is_the_mean_of_their_items_by_recency() -> None:
    model = BPR(half_life=1.0, **SETTINGS).fit(two_tastes())
    factors = model.state().tensors["bpr.item_factors"]
    first, last = factors[model.item_vocabulary.encode(["desk-1", "desk-2"])]
    person = np.append((first[:-1] + 2 * last[:-1]) / 3, 1)
    scores = model.score([["desk-1", "desk-2"]], model.item_vocabulary.ids.to_list())
    np.testing.assert_allclose(scores[0], (factors @ person)[1:], rtol=1e-5, atol=1e-7)


def test_an_item_nobody_acted_on_has_the_lowest_bias() -> None:
    model = BPR(**SETTINGS).fit(two_tastes())
    factors = model.state().tensors["bpr.item_factors"]
    cold = model.item_vocabulary.encode([COLD])[0]
    assert factors[cold, -1] == factors[:, -1].min()


def test_vectors_of_another_shape_are_refused() -> None:
    state = BPR(**SETTINGS).fit(two_tastes()).state()
    state.tensors["bpr.item_factors"] = state.tensors["bpr.item_factors"][:-1]
    with pytest.raises(ValueError, match="item factors"):
        BPR.from_state(state)
