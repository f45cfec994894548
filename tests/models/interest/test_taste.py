"""A person's labels tell of an item as a ridge regression on what items are like does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.models.interest import taste as module
from foretaste.models.interest.log import Pasts
from foretaste.models.interest.taste import kernel, taste

ITEMS = 12


def likeness(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(size=(ITEMS + 1, 5)) for name in ("content", "together", "agree")}
    return {
        name: (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
        for name, v in found.items()
    }


def past_of(lengths: np.ndarray) -> Pasts:
    total = int(lengths.sum())
    return Pasts(np.repeat(np.arange(len(lengths)), lengths), np.arange(total), lengths)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(0, 10_000))
def test_it_is_a_ridge_regression_on_the_vectors(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = np.array(sizes)
    met = rng.integers(1, ITEMS + 1, lengths.sum()).astype(np.int32)
    news = rng.normal(size=lengths.sum()).astype(np.float32)
    asked = rng.integers(0, ITEMS + 1, len(lengths)).astype(np.int32)
    vectors = kernel(likeness(seed))
    found = taste(past_of(lengths), met, news, asked, vectors)
    for row, end in enumerate(np.cumsum(lengths)):
        own = slice(end - lengths[row], end)
        read = vectors[met[own]].astype(np.float64)
        weights = np.linalg.solve(
            read.T @ read + module._NOISE * np.eye(read.shape[1]), read.T @ news[own]
        )
        assert found[row] == pytest.approx(vectors[asked[row]] @ weights, abs=1e-5)


def test_what_is_alike_is_expected_to_be_liked_alike() -> None:
    vectors = kernel({"content": np.eye(3, dtype=np.float32)})
    met, news = np.array([1, 1, 1], np.int32), np.array([1, 1, 1], np.float32)
    past = past_of(np.array([3, 0]))
    same, nobody = taste(past, met, news, np.array([1, 1], np.int32), vectors)
    other = taste(past_of(np.array([3])), met, news, np.array([2], np.int32), vectors)[0]
    assert same > other > 0  # Who is pleased three times is also somewhat easy to please.
    assert nobody == 0


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 40, 50)
    met = rng.integers(1, ITEMS + 1, lengths.sum()).astype(np.int32)
    news = rng.normal(size=lengths.sum()).astype(np.float32)
    asked = rng.integers(0, ITEMS + 1, 50).astype(np.int32)
    given_all = (past_of(lengths), met, news, asked, kernel(likeness(0)))
    at_once = taste(*given_all)
    monkeypatch.setattr(module, "_BLOCK", 1)
    np.testing.assert_array_equal(taste(*given_all), at_once)
