"""`top_k` against a whole stable sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from foretaste.models.top_k import top_k

# Few distinct values, zeros of both signs and infinities, so that ties are everywhere.
scores_with_ties = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 2.0, np.inf]),
)


@given(scores_with_ties, st.integers(1, 15))
def test_equals_a_stable_sort(scores: np.ndarray, k: int) -> None:
    columns, values = top_k(scores.copy(), k)

    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    np.testing.assert_array_equal(values, best)
    np.testing.assert_array_equal(columns, np.where(np.isneginf(best), 0, order))


@given(
    st.integers(0, 1000),
    st.integers(1, 5),
    st.integers(1, 40),
    st.sampled_from([1, 2, 50, 10**6]),
    st.floats(0, 1),
)
def test_long_rows_equal_a_stable_sort(
    seed: int, rows: int, k: int, levels: int, banned: float
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (rows, 8192 + seed)).astype(np.float32)
    scores[rng.random(scores.shape) < banned] = -np.inf
    columns, values = top_k(scores, k)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    np.testing.assert_array_equal(values, best)
    np.testing.assert_array_equal(columns, np.where(np.isneginf(best), 0, order))


def test_distinct_scores_on_a_wide_matrix() -> None:
    scores = np.random.default_rng(0).permuted(
        np.tile(np.arange(5000, dtype=np.float32), (20, 1)), axis=1
    )
    columns, values = top_k(scores, 7)
    np.testing.assert_array_equal(values, np.tile(np.arange(4999, 4992, -1), (20, 1)))
    np.testing.assert_array_equal(np.take_along_axis(scores, columns, axis=1), values)
    assert columns.dtype == np.int32
    assert values.dtype == np.float32


def test_no_rows() -> None:
    columns, values = top_k(np.empty((0, 5), np.float32), 3)
    assert columns.shape == values.shape == (0, 3)


def test_scores_are_left_as_they_were() -> None:
    scores = np.array([[1, 3, 3, -np.inf]], np.float32)
    before = scores.copy()
    top_k(scores, 2)
    np.testing.assert_array_equal(scores, before)
