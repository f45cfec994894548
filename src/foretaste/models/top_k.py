"""The k best of every row, ties broken by position, so that results never depend on chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

#: Shorter rows are searched as a whole.
_LONG = 8192


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
    chunk = _chunk(m, k)
    if m < _LONG or chunk == 1 or not len(scores):
        columns, values = _of_all(scores, k)
    else:
        columns, values, doubtful = _of_best_chunks(torch.from_numpy(scores), k, chunk)
        columns[doubtful], values[doubtful] = _of_all(scores[doubtful], k)
    order = np.lexsort((columns, -values), axis=1)
    columns = np.take_along_axis(columns, order, axis=1).astype(np.int32)
    values = np.take_along_axis(values, order, axis=1)
    columns[np.isneginf(values)] = 0
    return columns, values


def _chunk(m: int, k: int) -> int:
    """Columns a chunk, such that chunks and what the k best of them hold are about as many."""
    return 2 ** round(math.log2(max(m / max(k, 1), 1)) / 2)


def _of_best_chunks(
    scores: torch.Tensor, k: int, chunk: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The k largest of every row, in any order, and the rows where ties leave open which.

    The k largest stand in the k chunks with the largest maxima, and to find maxima is one pass
    over memory, which a heap or a partition of the whole row is not.
    """
    width = scores.shape[1] // chunk
    # A chunk holds every `width`-th column, so that maxima are taken of whole runs of memory.
    maxima = scores[:, : chunk * width].unflatten(1, (chunk, width)).amax(1)
    best, which = maxima.topk(k, dim=1)
    doubtful = (maxima >= best[:, -1:]).sum(1) > k
    columns = (which[..., None] + width * torch.arange(chunk)).flatten(1)
    rest = torch.arange(chunk * width, scores.shape[1]).expand(len(scores), -1)
    columns = torch.cat([columns, rest], dim=1)
    found = scores.gather(1, columns)
    values, places = found.topk(k, dim=1)
    doubtful |= (found >= values[:, -1:]).sum(1) > k
    return columns.gather(1, places).numpy(), values.numpy(), doubtful.nonzero()[:, 0].numpy()


def _of_all(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k largest of every row, in any order; of equal ones at the edge the first."""
    values, columns = (part.numpy() for part in torch.from_numpy(scores).topk(k, dim=1))
    # topk leaves open which of several equal scores at the edge it takes.
    if k < scores.shape[1]:
        edge = values[:, -1:]
        crowded = np.flatnonzero((scores >= edge).sum(axis=1) > k)
        if len(crowded):
            columns[crowded] = _first_at_edge(scores[crowded], edge[crowded], k)
            values[crowded] = np.take_along_axis(scores[crowded], columns[crowded], axis=1)
    return columns, values


def _first_at_edge(scores: NDArray[np.float32], edge: NDArray[np.float32], k: int) -> NDArray[Any]:
    """Columns, in rising order, of the scores above the edge and the first of those at it."""
    above, at_edge = scores > edge, scores == edge
    places = k - above.sum(axis=1, keepdims=True)
    chosen = above | (at_edge & (np.cumsum(at_edge, axis=1, dtype=np.int32) <= places))
    return np.nonzero(chosen)[1].reshape(-1, k)
