from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data.batching import by_length, length_buckets

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=300).map(np.array)


@given(LENGTHS, st.integers(1, 500), st.integers(0, 5))
def test_every_row_once_within_the_budget(lengths: np.ndarray, tokens: int, seed: int) -> None:
    batches = length_buckets(lengths, tokens, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * lengths[rows].max() <= tokens


def test_little_padding_on_uneven_rows() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.geometric(0.1, 10_000)
    batches = length_buckets(lengths, 1024, rng)
    padded = sum(len(rows) * lengths[rows].max() for rows in batches)
    assert padded < 1.25 * lengths.sum()


def test_order_follows_the_generator_alone() -> None:
    lengths = np.arange(1, 200)
    first, again = (length_buckets(lengths, 256, np.random.default_rng(3)) for _ in range(2))
    other = length_buckets(lengths, 256, np.random.default_rng(4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=False))


@given(LENGTHS, st.integers(1, 500))
def test_by_length_gives_every_row_once_within_the_budget(lengths: np.ndarray, tokens: int) -> None:
    batches = by_length(lengths, tokens)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) == 1 or len(rows) * lengths[rows].max() <= tokens
