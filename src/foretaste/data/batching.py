"""Batches of rows of like length, so that little work is spent on padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Rows are sorted by length inside random groups of this many batches: close in length, yet
#: never the same neighbours twice.
_GROUP = 20


def rounded_up(lengths: NDArray[np.integer], most: int) -> NDArray[np.int64]:
    """Lengths raised to one of few values, by less than an eighth, and to at most `most`.

    Batches padded to such widths come in few shapes. Libraries of matrix products write a program
    for every shape they meet, which takes longer than to run it, and keep it in memory.

    Args:
        lengths: int[n], none above `most`.
        most: Longest there can be.
    """
    lengths = np.asarray(lengths, np.int64)
    # Steps of an eighth of the power of two below.
    steps = 2 ** np.maximum(np.log2(np.maximum(lengths, 1)).astype(np.int64) - 3, 0)
    return np.minimum(-(-lengths // steps) * steps, most)


def length_buckets(
    lengths: NDArray[np.integer], tokens: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Divides rows at random into batches of similar length and at most `tokens` padded values.

    Args:
        lengths: int[n], length of every row.
        tokens: Most values a batch may hold once padded to its longest row; a single longer row
            makes a batch of its own.
        rng: Draws the order.

    Returns:
        Row numbers of every batch, in random order; each row occurs once.
    """
    order = rng.permutation(len(lengths))
    size = max(1, int(tokens * _GROUP / max(float(np.mean(lengths)), 1.0)))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), size):
        group = order[start : start + size]
        group = group[np.argsort(lengths[group], kind="stable")]
        batches.extend(_cut(group, lengths[group], tokens))
    return [batches[i] for i in rng.permutation(len(batches))]


def by_length(lengths: NDArray[np.integer], tokens: int) -> list[NDArray[np.int64]]:
    """Divides rows into batches of similar length, each row once, in an order of their own.

    Args:
        lengths: int[n], length of every row.
        tokens: As in `length_buckets`.

    Returns:
        Row numbers of every batch.
    """
    order = np.argsort(lengths, kind="stable")
    return _cut(order, lengths[order], tokens)


def _cut(
    rows: NDArray[np.int64], lengths: NDArray[np.integer], tokens: int
) -> list[NDArray[np.int64]]:
    """Cuts rows sorted by length into runs whose padded size stays within `tokens`."""
    batches: list[NDArray[np.int64]] = []
    end = len(rows)
    while end > 0:
        # Going backwards, the longest row of a batch is known before its size is chosen.
        start = max(0, end - max(1, tokens // max(int(lengths[end - 1]), 1)))
        batches.append(rows[start:end])
        end = start
    return batches
