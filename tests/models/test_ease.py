from __future__ import annotations

import numpy as np
import pytest

from foretaste.data import Dataset
from foretaste.errors import ConfigError, InputError
from foretaste.models import EASE
from foretaste.models._implicit import interactions, inverse_propensity
from tests.contracts.worlds import two_tastes


def closed_form(people: np.ndarray, regularisation: float) -> np.ndarray:
    """Equation 8 of Steck (2019), in double precision."""
    inverse = np.linalg.inv(people.T @ people + regularisation * np.eye(people.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.fixture
def world() -> Dataset:
    return two_tastes()


def test_scores_are_the_closed_form(world: Dataset) -> None:
    model = EASE(regularisation=3.0, half_life=None).fit(world)
    people = interactions(world, model.config).toarray().astype(float)
    weights = closed_form(people, 3.0)
    scores = model._score(world.histories())
    warm = world.item_counts > 0
    np.testing.assert_allclose(scores[:, warm], (people @ weights)[:, warm], rtol=1e-4, atol=1e-6)


def test_items_nobody_acted_on_come_last(world: Dataset) -> None:
    scores = EASE().fit(world)._score(world.histories())
    cold = np.flatnonzero(world.item_counts[1:] == 0) + 1
    np.testing.assert_array_equal(scores[:, cold], scores[:, 1:].min(axis=1, keepdims=True))


def test_propensity_scales_what_is_foreseen(world: Dataset) -> None:
    """The least squares solution for targets divided by their propensity, found without it."""
    power, regularisation = 0.7, 2.0
    model = EASE(regularisation=regularisation, propensity=power, half_life=None).fit(world)
    people = interactions(world, model.config).toarray()[:, world.item_counts > 0].astype(float)
    inverse = inverse_propensity(world.item_counts, power)[world.item_counts > 0]
    weights = model.state().tensors["ease.weights"]
    for j in (0, 5):
        others = np.delete(np.arange(people.shape[1]), j)
        x = people[:, others]
        solved = np.linalg.solve(
            x.T @ x + regularisation * np.eye(len(others)), x.T @ people[:, j] * inverse[j]
        )
        np.testing.assert_allclose(weights[others, j], solved, rtol=1e-3, atol=1e-6)


def test_a_catalogue_too_large_is_refused_with_a_way_out(world: Dataset) -> None:
    with pytest.raises(InputError, match=r"GB.*itemknn or als") as caught:
        EASE(most_items=5).fit(world)
    assert caught.value.field == "most_items"


def test_weights_of_another_shape_are_refused(world: Dataset) -> None:
    state = EASE().fit(world).state()
    state.tensors["ease.weights"] = state.tensors["ease.weights"][:-1]
    with pytest.raises(ValueError, match="weights"):
        EASE.from_state(state)


@pytest.mark.parametrize("settings", [{"regularisation": 0}, {"propensity": 2}, {"most_items": 0}])
def test_settings_out_of_range(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        EASE(**settings)
