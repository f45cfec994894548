"""Several rankings made one, and mixed with what a person likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Codes = NDArray[np.int32]

#: How far the first ranks are told apart; the paper's value.
_DAMPING = 60


@dataclass(frozen=True)
class Fused:
    """Items of several rankings in one order.

    Attributes:
        codes: int32[n], best first.
        relevance: float64[n], 1 for an item that every ranking has first.
        sources: Names of the rankings that have the item, joined by "+".
    """

    codes: Codes
    relevance: NDArray[np.float64]
    sources: tuple[str, ...]


def fuse(rankings: Mapping[str, Codes], weights: Mapping[str, float]) -> Fused:
    """Reciprocal rank fusion (Cormack, Clarke & Büttcher, 2009).

    Ranks and not scores are summed, because BM25 and cosines have no scale in common. Equal sums
    are ordered by code.

    Args:
        rankings: By name, codes best first.
        weights: By name, how much a ranking counts.
    """
    names = list(rankings)
    codes = np.unique(np.concatenate([rankings[name] for name in names]))
    relevance = np.zeros(len(codes))
    found = np.zeros((len(names), len(codes)), bool)
    for row, name in enumerate(names):
        places = np.searchsorted(codes, rankings[name])
        ranks = np.arange(1, len(places) + 1)
        relevance[places] += weights[name] * (_DAMPING + 1) / (_DAMPING + ranks)
        found[row, places] = True
    relevance /= sum(weights[name] for name in names) or 1.0
    order = np.lexsort((codes, -relevance))
    sources = ["+".join(np.compress(found[:, place], names)) for place in order]
    return Fused(codes[order], relevance[order], tuple(sources))


def personalise(
    relevance: NDArray[np.float64], liking: NDArray[np.float64], slider: float
) -> NDArray[np.float64]:
    """Mixes how well items fit a query with how much a person likes them.

    Args:
        relevance: float64[n].
        liking: float64[n], of any scale; NaN where nothing is known, which counts as middling.
        slider: 0 for the query alone, 1 for the person alone.

    Returns:
        float64[n]: the mean of both, each as the share of the other items that it comes before.
    """
    known = ~np.isnan(liking)
    liked = np.full(len(liking), 0.5)
    liked[known] = _standing(liking[known])
    return (1 - slider) * _standing(relevance) + slider * liked


def _standing(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[n] from 0 to 1: the rank from below, equal values sharing one."""
    if len(values) < 2:
        return np.ones(len(values))
    return (rankdata(values) - 1) / (len(values) - 1)
