"""Accuracy of ranked lists, as pure functions of where the hits are.

Training (early stopping) and evaluation use the same functions. All take `hits`, bool[n, k]: row
by row, whether the item at each rank (best first) is relevant; and `relevant`, int[n]: how many
items are relevant to each row, at least one. All return float64[n], one value a row.

Definitions follow Järvelin & Kekäläinen (2002) for NDCG with binary gains and
``trec_eval`` for the rest; rows are averaged by the caller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
PerRow = NDArray[np.float64]


def hit_positions(
    ranked: NDArray[np.int32], relevant_rows: NDArray[np.int64], relevant: NDArray[np.int32]
) -> Hits:
    """Where the relevant items stand in ranked lists.

    Args:
        ranked: int32[n, k], item codes best first; 0 where a list is shorter than k.
        relevant_rows: int64[total], the row each relevant item belongs to.
        relevant: int32[total], codes of the relevant items, none of them 0.

    Returns:
        bool[n, k].
    """
    span = int(max(ranked.max(initial=0), relevant.max(initial=0))) + 1
    rows = np.arange(len(ranked), dtype=np.int64)[:, None]
    return np.isin(rows * span + ranked, relevant_rows * span + relevant)


def ndcg(hits: Hits, relevant: NDArray[np.integer]) -> PerRow:
    """Normalised discounted cumulative gain; the ideal list is cut at k too."""
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])
    return (hits @ discounts) / ideal[np.minimum(relevant, hits.shape[1])]


def recall(hits: Hits, relevant: NDArray[np.integer]) -> PerRow:
    """Share of the relevant items that are in the list."""
    return hits.sum(axis=1) / relevant


def precision(hits: Hits, relevant: NDArray[np.integer]) -> PerRow:
    """Share of the k places that hold a relevant item."""
    return hits.sum(axis=1) / hits.shape[1]


def hit_rate(hits: Hits, relevant: NDArray[np.integer]) -> PerRow:
    """1 where the list holds any relevant item."""
    return np.where(hits.any(axis=1), 1.0, 0.0)


def reciprocal_rank(hits: Hits, relevant: NDArray[np.integer]) -> PerRow:
    """1 / rank of the first hit, 0 without one; its mean is MRR."""
    first = hits.argmax(axis=1)
    return np.where(hits.any(axis=1), 1 / (first + 1), 0.0)


def average_precision(hits: Hits, relevant: NDArray[np.integer]) -> PerRow:
    """Mean over the relevant items of the precision at their ranks; its mean is MAP.

    Divided by the number of relevant items, as `trec_eval` does, not by min(k, relevant).
    """
    precisions = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return (precisions * hits).sum(axis=1) / relevant
