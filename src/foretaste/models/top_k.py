"""The k best of every row, ties broken by position, so that results never depend on chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def top_k(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Finds the k largest scores of every row.

    Equal scores are ordered by column. Entries of minus infinity are never returned: their
    places hold column 0 and a score of minus infinity, at the end of the row.

    Args:
        scores: float32[n, m]; no NaN.
        k: How many; at most m are returned.

    Returns:
        Columns, int32[n, min(k, m)], and their scores, float32 of the same shape, best first.
    """
    m = scores.shape[1]
    k = min(k, m)
    values, columns = (part.numpy() for part in torch.from_numpy(scores).topk(k, dim=1))
    # topk leaves open which of several equal scores at the edge it takes.
    if k < m:
        edge = values[:, -1:]
        crowded = np.flatnonzero((scores >= edge).sum(axis=1) > k)
        if len(crowded):
            columns[crowded] = _first_at_edge(scores[crowded], edge[crowded], k)
            values[crowded] = np.take_along_axis(scores[crowded], columns[crowded], axis=1)
    order = np.lexsort((columns, -values), axis=1)
    columns = np.take_along_axis(columns, order, axis=1).astype(np.int32)
    values = np.take_along_axis(values, order, axis=1)
    columns[np.isneginf(values)] = 0
    return columns, values


def _first_at_edge(scores: NDArray[np.float32], edge: NDArray[np.float32], k: int) -> NDArray[Any]:
    """Columns, in rising order, of the scores above the edge and the first of those at it."""
    above, at_edge = scores > edge, scores == edge
    places = k - above.sum(axis=1, keepdims=True)
    chosen = above | (at_edge & (np.cumsum(at_edge, axis=1, dtype=np.int32) <= places))
    return np.nonzero(chosen)[1].reshape(-1, k)
