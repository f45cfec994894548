"""Intervals mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from foretaste.evaluation import bootstrap
from foretaste.evaluation.bootstrap import Estimate, Exposure, Ratios, estimates


def weights_of(people: int, resamples: int, width: int = 1, seed: int = 0) -> np.ndarray:
    return np.concatenate(
        list(bootstrap.resampled_weights(people, resamples=resamples, seed=seed, width=width))
    )


def test_weights_are_draws_with_replacement() -> None:
    weights = weights_of(50, 2000)
    assert weights.shape == (2000, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == 1
    # Binomial(50, 1/50): nobody is favoured, and the spread is that of drawing with replacement.
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.12)
    assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.05)


def test_small_blocks_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = weights_of(7, 100)
    monkeypatch.setattr(bootstrap, "_BLOCK_BYTES", 8 * 7 * 9)
    assert bootstrap.block_sizes(100, 7) == [9] * 11 + [1]
    np.testing.assert_array_equal(weights_of(7, 100), whole)
    assert len(weights_of(7, 100, width=10**9)) == 100


def test_interval_of_a_mean_is_scipys() -> None:
    values = np.random.default_rng(0).exponential(size=(200, 1))
    ours = estimates([Ratios.means(["x"], values)], 200, resamples=4000, seed=1)["x"]
    theirs = stats.bootstrap(
        (values[:, 0],), np.mean, n_resamples=4000, method="percentile", rng=2
    ).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.high, abs=0.01)


def test_people_to_whom_a_figure_does_not_apply_do_not_count() -> None:
    values = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, np.nan], [2.0, np.nan]])
    found = estimates([Ratios.means(["some", "one"], values)], 4, resamples=200, seed=0)
    assert found["some"].value == 2
    assert 1 <= found["some"].low < 2 < found["some"].high <= 3
    assert found["one"] == Estimate(5.0, 5.0, 5.0)


def test_a_figure_that_applies_to_nobody_is_absent() -> None:
    values = np.full((3, 2), np.nan)
    values[:, 0] = 1.0
    assert list(estimates([Ratios.means(["a", "b"], values)], 3, resamples=100, seed=0)) == ["a"]
    nothing = Exposure(("Coverage", "Gini"), np.zeros((3, 2), np.int32), 10)
    found = estimates([nothing], 3, resamples=100, seed=0)
    assert found == {"Coverage": Estimate(0.0, 0.0, 0.0)}


@pytest.mark.parametrize(
    ("lists", "catalogue", "coverage", "gini"),
    [
        ([[1, 2], [3, 4]], 4, 1.0, 0.0),
        ([[1, 0], [1, 0]], 4, 0.25, 0.75),
        ([[1, 2], [1, 2]], 4, 0.5, 0.5),
        ([[1, 2], [1, 0]], 2, 1.0, 1 / 6),
    ],
)
def test_coverage_and_gini_by_hand(
    lists: list[list[int]], catalogue: int, coverage: float, gini: float
) -> None:
    statistic = Exposure(("Coverage", "Gini"), np.array(lists, np.int32), catalogue)
    np.testing.assert_allclose(statistic(np.ones((1, 2))), [[coverage, gini]])
    # A person drawn twice is as good as two people with the same list.
    doubled = Exposure(("Coverage", "Gini"), np.array(lists * 2, np.int32), catalogue)
    np.testing.assert_allclose(statistic(np.full((1, 2), 2.0)), doubled(np.ones((1, 4))))


def test_weights_of_zero_take_people_out() -> None:
    statistic = Exposure(("Coverage", "Gini"), np.array([[1, 2], [3, 4]], np.int32), 4)
    np.testing.assert_allclose(statistic(np.array([[1.0, 0.0]])), [[0.5, 0.5]])


def draw_lists(rng: np.random.Generator, people: int) -> np.ndarray:
    """Lists of 5 among 300 items, some far more popular than others."""
    appeal = np.log(np.arange(300, 0, -1)) * 3
    gumbel = rng.gumbel(size=(people, 300))
    return np.argsort(-(appeal + gumbel), axis=1)[:, :5].astype(np.int32) + 1


def test_intervals_hold_the_truth_as_often_as_they_claim() -> None:
    rng = np.random.default_rng(0)
    people, worlds = 80, 100

    def figures(lists: np.ndarray) -> list[float]:
        found = Exposure(("Coverage", "Gini"), lists, 300)(np.ones((1, people)))[0]
        return [*found, float((lists[:, 0] % 2).mean())]

    truth = np.mean([figures(draw_lists(rng, people)) for _ in range(500)], axis=0)
    held = np.zeros(3)
    for _ in range(worlds):
        lists = draw_lists(rng, people)
        statistics = [
            Exposure(("Coverage", "Gini"), lists, 300),
            Ratios.means(["odd"], (lists[:, :1] % 2).astype(float)),
        ]
        found = estimates(statistics, people, resamples=200, seed=1).values()
        held += [e.low <= t <= e.high for e, t in zip(found, truth, strict=True)]
    assert (held >= 0.87 * worlds).all(), held


def test_estimate_as_text() -> None:
    assert str(Estimate(0.05551, 0.05306, 0.05794)) == "0.0555 [0.0531, 0.0579]"
