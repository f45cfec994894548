"""Candidates of a batch of people: flat arrays, one row a person, with where each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged
from foretaste.models import Ranking


@dataclass(frozen=True)
class CandidateLists:
    """One list of items a person, best first once they are ranked.

    Attributes:
        items: Item codes; none twice in a row.
        scores: float32[total], larger is better.
        sources: Names of what proposed the items.
        source_scores: float32[total, sources], the score each source gave; NaN where an item did
            not come from it.
        propensities: float64[total], how likely the item was to be chosen for its place; 1 where
            nothing is left to chance.
    """

    items: Ragged
    scores: NDArray[np.float32]
    sources: tuple[str, ...]
    source_scores: NDArray[np.float32]
    propensities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def rows(self) -> NDArray[np.int64]:
        """int64[total], the person each candidate is for."""
        return self.items.row_of_value

    @property
    def places(self) -> NDArray[np.int64]:
        """int64[total], where each candidate stands in its list, from 0."""
        return np.arange(len(self.items.values)) - np.repeat(
            self.items.offsets[:-1], self.items.lengths
        )

    def keep(self, kept: NDArray[np.bool_]) -> CandidateLists:
        """The candidates where `kept`, bool[total], is true."""
        return self._at(np.flatnonzero(kept))

    def arranged(self, order: NDArray[np.int64]) -> CandidateLists:
        """The same candidates in another order.

        Args:
            order: int64[total], positions in the flat arrays, row by row.
        """
        return self._at(order)

    def with_scores(self, scores: NDArray[np.float32]) -> CandidateLists:
        """The same candidates, scored anew."""
        return replace(self, scores=scores)

    def with_propensities(self, propensities: NDArray[np.float64]) -> CandidateLists:
        """The same candidates, with the chances of having been chosen."""
        return replace(self, propensities=propensities)

    def grid(self, width: int | None = None) -> NDArray[np.int64]:
        """The lists as a table of positions in the flat arrays.

        Args:
            width: Columns; longer lists are cut. By default the length of the longest.

        Returns:
            int64[rows, width], -1 after the end of a list.
        """
        longest = int(self.items.lengths.max(initial=0))
        width = longest if width is None else min(width, longest)
        places = np.arange(width)
        grid = self.items.offsets[:-1, None] + places
        return np.where(places < self.items.lengths[:, None], grid, -1)

    def pair_keys(self, size: int) -> NDArray[np.int64]:
        """int64[total], one number for each person and item; `size` is above every item code."""
        return self.rows * size + self.items.values

    def source_labels(self, names: Sequence[str]) -> NDArray[np.str_]:
        """str[total], the sources of every candidate by these names, joined by "+"."""
        came_from = ~np.isnan(self.source_scores)
        # One number a pattern of sources: rows are slow to compare.
        numbers = came_from @ (1 << np.arange(len(names)))
        _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
        labels = [
            "+".join(name for name, there in zip(names, pattern, strict=True) if there)
            for pattern in came_from[first]
        ]
        return np.array(labels, dtype=np.str_)[which]

    def _at(self, where: NDArray[np.int64]) -> CandidateLists:
        lengths = np.bincount(self.rows[where], minlength=len(self)).astype(np.int64)
        return CandidateLists(
            Ragged.from_lengths(self.items.values[where], lengths),
            self.scores[where],
            self.sources,
            self.source_scores[where],
            self.propensities[where],
        )


def merge(proposals: Sequence[tuple[str, Ranking]], people: int) -> CandidateLists:
    """Puts the proposals of several sources together, every item once a person, by item code.

    Args:
        proposals: Names of the sources, all different, and what they propose to everybody; at
            least one. Where a source proposes an item twice, the larger score counts.
        people: Number of rows of every proposal.
    """
    parts = [_flat(ranking, number) for number, (_, ranking) in enumerate(proposals)]
    rows, items, scores, source = (np.concatenate(part) for part in zip(*parts, strict=True))
    size = int(items.max(initial=0)) + 1
    keys, which = np.unique(rows * size + items, return_inverse=True)
    source_scores = np.full((len(keys), len(proposals)), np.nan, np.float32)
    rising = np.argsort(scores, kind="stable")
    source_scores[which[rising], source[rising]] = scores[rising]
    lengths = np.bincount(keys // size, minlength=people).astype(np.int64)
    return CandidateLists(
        Ragged.from_lengths((keys % size).astype(np.int32), lengths),
        np.zeros(len(keys), np.float32),
        tuple(name for name, _ in proposals),
        source_scores,
        np.ones(len(keys)),
    )


def _flat(ranking: Ranking, number: int) -> tuple[NDArray[Any], ...]:
    """Row, item, score and the source's number of everything that a source proposes."""
    rows, columns = np.nonzero(ranking.items != PADDING)
    return (
        rows,
        ranking.items[rows, columns],
        ranking.scores[rows, columns],
        np.full(len(rows), number),
    )
