"""How sure a figure is: bootstrap intervals over people (Efron & Tibshirani, 1993).

A resample draws as many people as there are, with replacement. It is held as weights, how often
each person was drawn, so that one matrix product gives a statistic for a whole block of
resamples, and every statistic of a report sees the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Of the intervals: 2.5% of the resamples lie on either side.
CONFIDENCE = 0.95

#: A block of weights or of item counts stays under this many bytes, however many people there are.
_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95% bootstrap interval; `str` gives ``0.0555 [0.0531, 0.0579]``."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


class Statistic(Protocol):
    """One or more figures of a weighted group of people."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the figures are called."""
        ...

    @property
    def width(self) -> int:
        """Numbers that `__call__` holds for each resample at a time."""
        ...

    def __call__(self, weights: Floats) -> Floats:
        """The figures under `weights`, float64[r, people]; gives float64[r, names]."""
        ...

    def interval(self, observed: Floats, resampled: Floats) -> tuple[Floats, Floats]:
        """Both ends, float64[names], from the figures observed and those of the resamples."""
        ...


class Ratios:
    """Ratios of sums over people; a mean over those to whom it applies is one of them."""

    def __init__(self, names: Sequence[str], numerators: Floats, denominators: Floats) -> None:
        """Takes both sides as float64[people, names]."""
        self.names = tuple(names)
        self._numerators = numerators
        self._denominators = denominators
        self.width = 2 * len(self.names)

    @classmethod
    def means(cls, names: Sequence[str], values: Floats) -> Ratios:
        """Means of the columns of float64[people, names], where NaN is "does not apply"."""
        applies = ~np.isnan(values)
        return cls(names, np.where(applies, values, 0.0), applies.astype(np.float64))

    def __call__(self, weights: Floats) -> Floats:
        """The ratios under each row of weights."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ self._numerators) / (weights @ self._denominators)

    def interval(self, observed: Floats, resampled: Floats) -> tuple[Floats, Floats]:
        """The percentile interval. A resample may lack everybody of a small group: left out."""
        return percentiles(resampled)


class Exposure:
    """How the places in people's lists are shared out among the items of a catalogue.

    Coverage is the share of the catalogue that anybody was recommended; Gini is 0 when all items
    are recommended equally often and nears 1 when one item takes all places.
    """

    def __init__(self, names: tuple[str, str], lists: NDArray[np.int32], catalogue: int) -> None:
        """Takes the names of coverage and Gini, the lists and the size of the catalogue.

        `lists` is int32[people, k]; entries of 0, and rows of nothing else, are no item.
        """
        self.names = names
        self._catalogue = catalogue
        people, _ = np.nonzero(lists)
        items, columns = np.unique(lists[lists != 0], return_inverse=True)
        ones = np.ones(len(people), np.float64)
        # Transposed once here: SciPy multiplies from the left.
        self._by_item: Any = sp.csr_array((ones, (columns, people)), (len(items), len(lists)))
        self.width = len(items)

    def __call__(self, weights: Floats) -> Floats:
        """Coverage and Gini under each row of weights."""
        counts: Floats = np.sort((self._by_item @ weights.T).T, axis=1)
        # Items that nobody got come first in the order and add nothing to the sum.
        ranks = np.arange(self._catalogue - self.width + 1, self._catalogue + 1)
        total = counts.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            gini = (2 * (counts @ ranks) / total - (self._catalogue + 1)) / self._catalogue
            coverage = np.count_nonzero(counts, axis=1) / self._catalogue
        return np.stack([coverage, gini], axis=1)

    def interval(self, observed: Floats, resampled: Floats) -> tuple[Floats, Floats]:
        """The percentiles of the resamples, moved so that their mean is what was observed.

        A resample repeats people and so always reaches fewer items than the people it was drawn
        from: its spread tells of the uncertainty, its level does not.
        """
        low, high = percentiles(resampled)
        shift = observed - _mean(resampled)
        return np.clip(low + shift, 0.0, 1.0), np.clip(high + shift, 0.0, 1.0)


def estimates(
    statistics: Sequence[Statistic], people: int, *, resamples: int, seed: int
) -> dict[str, Estimate]:
    """Every figure of the statistics with its interval; a figure that applies to nobody is absent.

    Args:
        statistics: All over the same people.
        people: How many.
        resamples: How many times they are drawn.
        seed: Of the draws.
    """
    found: dict[str, Estimate] = {}
    widest = max(statistic.width for statistic in statistics)
    blocks = [
        [statistic(weights) for statistic in statistics]
        for weights in resampled_weights(people, resamples=resamples, seed=seed, width=widest)
    ]
    for position, statistic in enumerate(statistics):
        observed = statistic(np.ones((1, people)))[0]
        low, high = statistic.interval(
            observed, np.concatenate([block[position] for block in blocks])
        )
        found |= {
            name: Estimate(float(observed[i]), float(low[i]), float(high[i]))
            for i, name in enumerate(statistic.names)
            if np.isfinite(observed[i])
        }
    return found


def resampled_weights(people: int, *, resamples: int, seed: int, width: int) -> Iterator[Floats]:
    """Draws the resamples, a block at a time; the draws do not depend on the size of a block.

    Args:
        people: How many are drawn, from as many.
        resamples: How many times.
        seed: Of the draws.
        width: Numbers the caller will hold for each resample.

    Yields:
        float64[r, people], how often each is in each resample; all blocks have `resamples` rows.
    """
    rng = np.random.default_rng(seed)
    for rows in block_sizes(resamples, max(people, width)):
        drawn = rng.integers(0, people, size=(rows, people))
        yield np.stack([np.bincount(row, minlength=people) for row in drawn]).astype(np.float64)


def block_sizes(rows: int, width: int) -> list[int]:
    """Sizes that add up to `rows`, so that a block of float64[size, width] stays bounded."""
    step = max(1, _BLOCK_BYTES // (8 * max(width, 1)))
    return [min(step, rows - start) for start in range(0, rows, step)]


def percentiles(resampled: Floats) -> tuple[Floats, Floats]:
    """Both ends of the percentile interval, float64[names], of figures float64[r, names]."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(_finite(resampled), [tail, 1 - tail], axis=0)
    return low, high


def _mean(resampled: Floats) -> Floats:
    return np.nanmean(_finite(resampled), axis=0)


def _finite(resampled: Floats) -> Floats:
    """Zeros for figures that apply in no resample, which would draw warnings."""
    return np.where(np.isfinite(resampled).any(axis=0), resampled, 0.0)
