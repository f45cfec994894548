"""A person's labels tell of an item as a ridge regression on what items are like does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.models.interest import taste as module
from foretaste.models.interest.log import Log
from foretaste.models.interest.taste import kernel, taste

ITEMS = 12


def likeness(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(size=(ITEMS + 1, 5)) for name in ("content", "together", "agree")}
    return {
        name: (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
        for name, v in found.items()
    }


def log_of(lengths: np.ndarray, seed: int) -> Log:
    """People with so many labels each, in the order of their codes and times."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(1, len(lengths) + 1), lengths).astype(np.int32)
    items = rng.integers(1, ITEMS + 1, len(people)).astype(np.int32)
    labels = rng.random(len(people)).astype(np.float32)
    return Log(people, items, labels, np.arange(len(people)))


def asked_of(log: Log, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the past of pairs begins and ends, and the items they ask about."""
    rng = np.random.default_rng([seed, 1])
    people = rng.integers(0, log.people.max(initial=0) + 1, pairs).astype(np.int32)
    first, last = log.by_person.spans(people, rng.integers(0, len(log) + 1, pairs))
    return first, last, rng.integers(0, ITEMS + 1, pairs).astype(np.int32)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=12),
    st.integers(1, 40),
    st.integers(0, 10_000),
)
def test_it_is_a_ridge_regression_on_the_vectors(sizes: list[int], most: int, seed: int) -> None:
    log = log_of(np.array(sizes), seed)
    first, last, asked = asked_of(log, 20, seed)
    level = np.random.default_rng([seed, 2]).random(ITEMS + 1).astype(np.float32)
    found = taste(log, first, last, asked, level, likeness(seed), most)
    vectors = kernel(np.arange(ITEMS + 1, dtype=np.int32), likeness(seed)).numpy()
    for row, (start, end) in enumerate(zip(first, last, strict=True)):
        possible = [
            ridge(log, begin, end, level, vectors) @ vectors[asked[row]]
            for begin in range(max(start, end - most - most // 2), max(start, end - most) + 1)
        ]
        assert min(abs(found[row] - np.array(possible))) < 1e-5


def ridge(log: Log, begin: int, end: int, level: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    read = vectors[log.items[begin:end]]
    beyond = log.labels[begin:end] - level[log.items[begin:end]]
    return np.linalg.solve(read.T @ read + module.NOISE * np.eye(vectors.shape[1]), read.T @ beyond)


def test_what_is_alike_is_expected_to_be_liked_alike() -> None:
    alike = {"content": np.eye(3, dtype=np.float32)}
    log = Log(np.ones(3, np.int32), np.ones(3, np.int32), np.ones(3, np.float32), np.arange(3))
    first, last = np.array([0, 0, 0]), np.array([3, 3, 0])
    asked = np.array([1, 2, 1], np.int32)
    same, other, nobody = taste(log, first, last, asked, np.zeros(3, np.float32), alike, 200)
    assert same > other > 0  # Who is pleased three times is also somewhat easy to please.
    assert nobody == 0


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(np.random.default_rng(0).integers(0, 40, 50), 0)
    pairs = asked_of(log, 100, 0)
    given_all = (log, *pairs, np.full(ITEMS + 1, 0.5, np.float32), likeness(0), 20)
    at_once = taste(*given_all)
    monkeypatch.setattr(module, "_BLOCK", 1)
    np.testing.assert_allclose(taste(*given_all), at_once, atol=1e-7)
