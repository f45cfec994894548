"""Figures beyond accuracy against loops that say what they mean."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.data.categories import category_vectors
from foretaste.evaluation import beyond_accuracy as ba
from foretaste.evaluation import bootstrap

ITEMS, K = 9, 4
some_lists = st.lists(
    st.lists(st.integers(1, ITEMS), max_size=K, unique=True), min_size=1, max_size=6
)
seeds = st.integers(0, 1000)


def lists_of(rows: list[list[int]]) -> np.ndarray:
    return np.array([row + [0] * (K - len(row)) for row in rows], np.int32)


def counts_of(seed: int) -> np.ndarray:
    counts = np.random.default_rng(seed).integers(0, 20, ITEMS + 1)
    counts[0], counts[1] = 0, 5
    return counts


def mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else np.nan


@given(some_lists)
def test_completeness(rows: list[list[int]]) -> None:
    assert ba.completeness(lists_of(rows)).tolist() == [float(len(row) == K) for row in rows]


@given(some_lists, seeds)
def test_novelty(rows: list[list[int]], seed: int) -> None:
    counts = counts_of(seed)
    share = (counts + 1) / (counts.sum() + ITEMS)
    assert share[1:].sum() == pytest.approx(1)
    expected = [mean([-np.log2(share[item]) for item in row]) for row in rows]
    np.testing.assert_allclose(ba.novelty(lists_of(rows), counts), expected)


@given(some_lists, seeds)
def test_popularity_of_lists_and_histories(rows: list[list[int]], seed: int) -> None:
    counts = counts_of(seed)
    expected = [mean([counts[item] for item in row]) for row in rows]
    np.testing.assert_allclose(ba.mean_popularity(lists_of(rows), counts), expected)
    histories = Ragged.from_rows(rows)
    np.testing.assert_allclose(ba.mean_history_popularity(histories, counts), expected)


def slow_diversity(row: list[int], vectors: np.ndarray) -> float:
    known = [vectors[item] for item in row if np.linalg.norm(vectors[item]) > 0]
    return mean(
        [
            1 - float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b))
            for a, b in combinations(known, 2)
        ]
    )


@given(some_lists, seeds)
def test_diversity_of_dense_vectors(rows: list[list[int]], seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(ITEMS + 1, 5)).astype(np.float32)
    vectors[[2, 3]] = 0
    expected = [slow_diversity(row, vectors) for row in rows]
    np.testing.assert_allclose(ba.diversity(lists_of(rows), vectors), expected, atol=1e-5)


def test_padding_has_no_vector_whatever_its_row_holds() -> None:
    vectors = np.ones((ITEMS + 1, 2), np.float32)
    assert np.isnan(ba.diversity(np.array([[1, 0, 0]], np.int32), vectors)).all()


def test_diversity_is_the_same_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    lists = rng.integers(0, ITEMS + 1, (50, K)).astype(np.int32)
    vectors = rng.normal(size=(ITEMS + 1, 3)).astype(np.float32)
    whole = ba.diversity(lists, vectors)
    monkeypatch.setattr(bootstrap, "_BLOCK_BYTES", 8 * 3 * 7)
    np.testing.assert_allclose(ba.diversity(lists, vectors), whole)


def test_diversity_of_categories_equals_that_of_the_same_dense_vectors() -> None:
    categories = pl.Series([["a", "b"], ["b"], ["c"], None, ["a"], ["a", "c"]])
    vectors = category_vectors(categories)
    lists = np.array([[1, 2, 3, 4], [5, 6, 0, 0], [4, 3, 0, 0]], np.int32)
    expected = [slow_diversity([i for i in row if i], vectors.toarray()) for row in lists.tolist()]
    np.testing.assert_allclose(ba.diversity(lists, vectors), expected, atol=1e-6)


def test_no_categories_at_all_is_no_diversity() -> None:
    vectors = category_vectors(pl.Series([None, None], dtype=pl.List(pl.String)))
    assert np.isnan(ba.diversity(np.array([[1, 2]], np.int32), vectors)).all()


@given(some_lists, some_lists, seeds)
def test_serendipity(rows: list[list[int]], popular: list[list[int]], seed: int) -> None:
    n = min(len(rows), len(popular))
    rows, popular = rows[:n], popular[:n]
    hits = np.random.default_rng(seed).random((n, K)) < 0.5
    hits &= lists_of(rows) != 0
    expected = [
        sum(hit and item not in usual for item, hit in zip(row, found, strict=False)) / K
        for row, usual, found in zip(rows, popular, hits.tolist(), strict=True)
    ]
    found = ba.serendipity(hits, lists_of(rows), lists_of(popular))
    np.testing.assert_allclose(found, expected)
