"""What somebody's labels say of an item they have not met, by how alike it is to those they met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from foretaste.models.interest.log import Pasts

Floats = NDArray[np.float32]

#: Variances, as shares of one another: of how lenient people are, of what likeness of each kind
#: explains, and of a single label. Half or twice of likeness or noise hardly changed the AUC of
#: validation pairs of ML-1M.
_LENIENCY = 0.3
_OF_LIKENESS = {"content": 0.2, "together": 0.2, "agree": 0.1}
_NOISE = 3.0
#: Entries of covariance matrices that are held at once.
_BLOCK = 2**21


def kernel(likeness: Mapping[str, Floats]) -> Floats:
    """Vectors whose products are how much the labels of two items have in common.

    Args:
        likeness: By name, float32[items + 1, d], as of `Knowledge`.

    Returns:
        float32[items + 1, 1 + sum of d].
    """
    parts = [np.sqrt(_OF_LIKENESS[name]) * vectors for name, vectors in likeness.items()]
    items = len(parts[0])
    leniency = np.full((items, 1), np.sqrt(_LENIENCY))
    return np.concatenate([leniency, *parts], axis=1).astype(np.float32)


def taste(
    past: Pasts, met: NDArray[np.int32], news: Floats, asked: NDArray[np.int32], vectors: Floats
) -> Floats:
    """How far the label of an item will be above what is usual for that item, float32[n].

    The posterior mean of a Gaussian process for each person (Rasmussen & Williams, 2006, equation
    2.23), which is a ridge regression of what their labels said beyond the items' quality: labels
    of many items that are alike count as little more than one.

    Args:
        past: What was known of each pair's person.
        met: int32[total], the items of its entries.
        news: float32[total], their labels beyond the items' quality.
        asked: int32[n], the item of each pair.
        vectors: As of `kernel`.
    """
    found = np.zeros(len(asked), np.float32)
    # In double precision, so that it makes no difference which pairs are answered together.
    table = torch.from_numpy(vectors).double()
    starts = np.cumsum(past.lengths) - past.lengths
    for rows in _alike_in_length(past.lengths):
        longest = int(past.lengths[rows[-1]])
        there = np.arange(longest) < past.lengths[rows, None]
        entries = np.where(there, starts[rows, None] + np.arange(longest), 0)
        known = torch.from_numpy(there.astype(np.float64))
        history = table[torch.from_numpy(met[entries])] * known[:, :, None]
        labels = torch.from_numpy(news[entries]) * known
        covariance = history @ history.transpose(1, 2)
        covariance.diagonal(dim1=1, dim2=2).add_(_NOISE)
        factor = torch.linalg.cholesky(covariance)
        weights = torch.cholesky_solve(labels[:, :, None], factor)
        direction = (history.transpose(1, 2) @ weights)[:, :, 0]
        found[rows] = (direction * table[torch.from_numpy(asked[rows])]).sum(1).numpy()
    return found


def _alike_in_length(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Rows with a past, in blocks of about one length, the longest last."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    while start < len(order):
        first = int(lengths[order[start]])
        # Up to a quarter longer than the first, and no more than can be held.
        limit = first + first // 4 + 1
        stop = start + int(np.searchsorted(lengths[order[start:]], limit, side="right"))
        stop = min(stop, start + max(1, _BLOCK // limit**2))
        yield order[start:stop]
        start = stop
