"""What somebody's labels say of an item they have not met, by how alike it is to those they met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from foretaste.models.interest.log import Log

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

#: Variances, as shares of one another: of how lenient people are, of what likeness of each kind
#: explains, and of a single label. Half or twice of likeness or noise hardly changed the AUC of
#: validation pairs of ML-1M.
_LENIENCY = 0.3
_OF_LIKENESS = {"content": 0.2, "together": 0.2, "agree": 0.1}
NOISE = 3.0
#: Entries of covariance matrices, or of vectors about so long, that are held at once.
_BLOCK = 2**21
_WIDTH = 128


def kernel(items: NDArray[np.int32], likeness: Mapping[str, Floats]) -> torch.Tensor:
    """Vectors whose products are how much the labels of two items have in common.

    Args:
        items: int32[...], codes.
        likeness: By name, float32[items + 1, d], as of `Knowledge`.

    Returns:
        float64[..., 1 + sum of d]: in double precision it makes no difference which pairs are
        answered together.
    """
    leniency = np.full((*items.shape, 1), _LENIENCY**0.5, np.float32)
    parts = [vectors[items] * _OF_LIKENESS[name] ** 0.5 for name, vectors in likeness.items()]
    return torch.from_numpy(np.concatenate([leniency, *parts], axis=-1)).double()


def taste(
    log: Log,
    first: Places,
    last: Places,
    asked: NDArray[np.int32],
    level: Floats,
    likeness: Mapping[str, Floats],
    most: int,
) -> Floats:
    """How far the label of an item will be above what is usual for that item, float32[n].

    The posterior mean of a Gaussian process for each person (Rasmussen & Williams, 2006, equation
    2.23), which is a ridge regression of what their labels said beyond the items' quality: labels
    of many items that are alike count as little more than one. Pairs of one person are answered
    from one factor of the covariance of all their labels, whose first rows and columns are the
    factor of the first labels.

    Args:
        log: What is known.
        first: int64[n], where in `log.by_person` begins what was known of each pair's person.
        last: int64[n], and where it ends.
        asked: int32[n], the item of each pair.
        level: float32[items + 1], what is usual for each item.
        likeness: As of `kernel`.
        most: At least so many of a person's latest labels are read, and at most half as many more.
    """
    found = np.zeros(len(asked), np.float32)
    some = np.flatnonzero(last > first)
    if not len(some):
        return found
    ends = last[some]
    # Beginnings lie apart, so that many pairs have theirs in common.
    apart = max(1, most // 2)
    starts = first[some] + np.maximum(0, (ends - first[some] - most) // apart) * apart
    runs, run_of = np.unique(starts, return_inverse=True)
    lengths = np.zeros(len(runs), np.int64)
    np.maximum.at(lengths, run_of, ends - starts)
    blocks = list(_alike_in_length(lengths))
    block_of, place_of = np.empty_like(lengths), np.empty_like(lengths)
    for number, block in enumerate(blocks):
        block_of[block], place_of[block] = number, np.arange(len(block))
    order = np.argsort(block_of[run_of], kind="stable")
    cuts = np.searchsorted(block_of[run_of][order], np.arange(1, len(blocks)))
    for block, rows in zip(blocks, np.split(order, cuts), strict=True):
        weights = _after_each_label(log, runs[block], lengths[block], level, likeness)
        then = weights[place_of[run_of[rows]], ends[rows] - starts[rows] - 1]
        found[some[rows]] = (then * kernel(asked[some[rows]], likeness)).sum(1).numpy()
    return found


def _after_each_label(
    log: Log, runs: Places, lengths: Places, level: Floats, likeness: Mapping[str, Floats]
) -> torch.Tensor:
    """Weights of the ridge regression after each label of each run, float64[runs, longest, d]."""
    there = np.arange(lengths.max()) < lengths[:, None]
    events = log.by_person.order[np.where(there, runs[:, None] + np.arange(lengths.max()), 0)]
    known = torch.from_numpy(there)[:, :, None]
    items = log.items[events]
    beyond = torch.from_numpy(log.labels[events].astype(np.float64) - level[items])
    history = kernel(items, likeness) * known
    covariance = history @ history.transpose(1, 2)
    covariance.diagonal(dim1=1, dim2=2).add_(NOISE)
    both = torch.cat([history, beyond[:, :, None] * known], dim=2)
    solved = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), both, upper=False)
    return (solved[:, :, :-1] * solved[:, :, -1:]).cumsum(1)


def _alike_in_length(lengths: Places) -> Iterator[Places]:
    """Places of runs, in blocks of about one length, the longest last."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        first = int(lengths[order[start]])
        # Up to a quarter longer than the first, and no more than can be held.
        limit = first + first // 4 + 1
        stop = start + int(np.searchsorted(lengths[order[start:]], limit, side="right"))
        stop = min(stop, start + max(1, _BLOCK // (limit * max(limit, _WIDTH))))
        yield order[start:stop]
        start = stop
