"""Several rankings made one, and mixed with what a person likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

#: Codes of distinct items and their scores, all above 0, best first.
Found = tuple[NDArray[np.int32], NDArray[np.float32]]


@dataclass(frozen=True)
class Fused:
    """Items of several rankings in one order.

    Attributes:
        codes: int32[n], best first.
        relevance: float64[n], 1 for an item that every ranking has first.
        sources: Names of the rankings that have the item, joined by "+".
    """

    codes: NDArray[np.int32]
    relevance: NDArray[np.float64]
    sources: tuple[str, ...]


def fuse(rankings: Mapping[str, Found], weights: Mapping[str, float]) -> Fused:
    """The weighted mean of scores, each divided by the best of its ranking.

    Bruch, Gai & Ingber (2023) found it better than summing reciprocal ranks; and where a query
    fits one item far better than the next, which ranks can't tell, it leaves a person's taste less
    to decide. Equal means are ordered by code. A ranking that is empty has no say.

    Args:
        rankings: By name.
        weights: By name, how much a ranking counts.
    """
    names = [name for name, (codes, _) in rankings.items() if len(codes)]
    if not names:
        return Fused(np.empty(0, np.int32), np.empty(0), ())
    codes = np.unique(np.concatenate([rankings[name][0] for name in names]))
    relevance = np.zeros(len(codes))
    found = np.zeros((len(names), len(codes)), bool)
    for row, name in enumerate(names):
        items, scores = rankings[name]
        places = np.searchsorted(codes, items)
        relevance[places] += weights[name] * scores / scores.max()
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
        relevance: float64[n], from 0 to 1.
        liking: float64[n], of any scale; NaN where nothing is known, which counts as middling.
        slider: 0 for the query alone, 1 for the person alone.

    Returns:
        float64[n]: the weighted mean of relevance and of the share of the other items that an item
        comes before in liking.
    """
    known = ~np.isnan(liking)
    liked = np.full(len(liking), 0.5)
    liked[known] = _standing(liking[known])
    return (1 - slider) * relevance + slider * liked


def _standing(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[n] from 0 to 1: the rank from below, equal values sharing one."""
    if len(values) < 2:
        return np.ones(len(values))
    return (rankdata(values) - 1) / (len(values) - 1)
