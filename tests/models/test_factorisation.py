from __future__ import annotations

import warnings

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from foretaste.data import Dataset, Ragged
from foretaste.errors import ConfigError
from foretaste.models import ALS
from tests.contracts.worlds import two_tastes

SETTINGS = {"factors": 4, "regularisation": 0.7, "alpha": 3.0, "iterations": 4}


@pytest.fixture
def world() -> Dataset:
    return two_tastes()


def test_people_are_solved_in_closed_form(world: Dataset) -> None:
    """Equation 4 of Hu, Koren & Volinsky (2008), in double precision; a repeat adds confidence."""
    model = ALS(half_life=1.0, **SETTINGS).fit(world)
    items = model.state().tensors["als.item_factors"].astype(float)
    history = ["desk-1", "desk-2", "desk-1"]
    confidence = np.ones(len(items))
    confidence[model.item_vocabulary.encode(["desk-1", "desk-2"])] += np.array([1.25, 0.5]) * 3.0
    preference = (confidence > 1).astype(float)
    left = items.T * confidence @ items + 0.7 * np.eye(4)
    person = np.linalg.solve(left, items.T * confidence @ preference)
    scores = model.score([history], world.item_vocabulary.ids.to_list())
    np.testing.assert_allclose(scores[0], (items @ person)[1:], rtol=1e-3, atol=1e-5)


def test_known_people_get_the_vectors_of_training(world: Dataset) -> None:
    """After enough rounds the closed form and `implicit`'s own user vectors agree."""
    model = ALS(half_life=None, **SETTINGS | {"iterations": 100}).fit(world)
    reference = AlternatingLeastSquares(
        factors=4, regularization=0.7, alpha=1.0, iterations=100, random_state=0
    )
    reference.fit(model._confidences(world.histories()), show_progress=False)
    expected = reference.user_factors @ reference.item_factors.T
    np.testing.assert_allclose(model._score(world.histories())[:, 1:], expected[:, 1:], atol=5e-3)


def test_seed_decides(world: Dataset) -> None:
    first, same, other = (
        ALS(seed=seed, **SETTINGS).fit(world).state().tensors["als.item_factors"]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_threads_change_nothing(world: Dataset) -> None:
    fitted = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fitted.append(ALS(**SETTINGS).fit(world).state().tensors["als.item_factors"])
    np.testing.assert_array_equal(*fitted)


def test_says_nothing_on_the_terminal(world: Dataset, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ALS(**SETTINGS).fit(world).recommend(users=["p1"])
    assert capfd.readouterr() == ("", "")


def test_vectors_of_another_shape_are_refused(world: Dataset) -> None:
    state = ALS(**SETTINGS).fit(world).state()
    state.tensors["als.item_factors"] = state.tensors["als.item_factors"][:-1]
    with pytest.raises(ValueError, match="item factors"):
        ALS.from_state(state)


def test_trust_in_actions_shows() -> None:
    """With more confidence in actions, the items acted on are fitted more closely."""
    world = two_tastes()
    seen = Ragged.from_rows([world.histories()[0]])
    near = [
        1 - ALS(alpha=alpha, factors=2).fit(world)._score(seen)[0, seen.values].mean()
        for alpha in (0.0, 20.0)
    ]
    assert near[1] < near[0]


@pytest.mark.parametrize("settings", [{"factors": 0}, {"regularisation": 0}, {"alpha": -1}])
def test_settings_out_of_range(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        ALS(**settings)
