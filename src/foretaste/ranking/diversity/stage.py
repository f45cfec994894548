"""The stage that trades relevance for what else a list is wanted to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.data import PADDING, Ragged
from foretaste.errors import ConfigError
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.catalogue import Catalogue, unit_rows
from foretaste.ranking.diversity.terms import (
    Calibration,
    CategoryCap,
    Coverage,
    Determinant,
    Dissimilarity,
    Pool,
    Term,
    Unpopularity,
)
from foretaste.ranking.stage import Outcome, Request

_SECTION = "ranking.diversity"
_BLOCK_BYTES = 64 * 2**20


class DiversityConfig(Config):
    """What lists are wanted to be beyond relevant; sliders go from 0 (not at all) to 1.

    With sliders s1, s2, … the next item is the one with the largest
    ``(1 - s1)(1 - s2)… * relevance + s1 * gain1 + s2 * gain2 + …``.

    Attributes:
        mmr: Unlike what is in the list already (maximal marginal relevance).
        dpp: Spanning as much as possible together (determinantal point process).
        xquad: Covering all categories of the person's history.
        calibration: Categories in the shares they have in the person's history.
        category_cap: Few items of one category; see `CategoryCap`.
        popularity: Less popular items, against popularity bias.
        likeness: What `mmr` and `dpp` take likeness from: the words of items, or categories.
        column: The categories, of the items; another column, such as brand, will do as well.
        pool: How many of the best candidates are looked at.
    """

    mmr: float = Field(default=0, ge=0, le=1)
    dpp: float = Field(default=0, ge=0, le=1)
    xquad: float = Field(default=0, ge=0, le=1)
    calibration: float = Field(default=0, ge=0, le=1)
    category_cap: float = Field(default=0, ge=0, le=1)
    popularity: float = Field(default=0, ge=0, le=1)
    likeness: Literal["categories", "content"] = "categories"
    column: str = "categories"
    pool: int = Field(default=100, ge=2)

    @property
    def sliders(self) -> dict[str, float]:
        """Those that are not 0."""
        names = ("mmr", "dpp", "xquad", "calibration", "category_cap", "popularity")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value > 0}


@dataclass(frozen=True)
class Diversity:
    """Fills lists place by place with what adds most, and leaves what is not chosen after them.

    Attributes:
        terms: What is wanted, with a strength in [0, 1] each.
        shares: float32[items + 1, c], share of each category in an item, sparse; None where no
            term asks for people's mix.
        pool: How many of the best candidates are looked at.
        width: Numbers held for each candidate at a time.
    """

    terms: Sequence[tuple[Term, float]]
    shares: Any = None
    pool: int = 100
    width: int = 1
    name: str = "diversity"

    @classmethod
    def of(cls, config: DiversityConfig, catalogue: Catalogue) -> Diversity:
        """The stage that a configuration describes.

        Raises:
            ConfigError: There are no such categories, or no vectors.
        """
        sliders = config.sliders
        categories = shares = None
        if set(sliders) - {"popularity"} and not (
            config.likeness == "content" and set(sliders) <= {"mmr", "dpp", "popularity"}
        ):
            categories = catalogue.categories(config.column, f"{_SECTION}.column")
            shares = _shares(categories)
        vectors: Any = None
        if {"mmr", "dpp"} & set(sliders):
            vectors = _vectors(config, catalogue, categories)
        made = {
            "mmr": lambda: Dissimilarity(vectors),
            "dpp": lambda: Determinant(vectors),
            "xquad": lambda: Coverage(categories),
            "calibration": lambda: Calibration(shares),
            "category_cap": lambda: CategoryCap.of(categories),
            "popularity": lambda: Unpopularity.of(catalogue.counts),
        }
        widths = [matrix.shape[1] for matrix in (vectors, shares) if matrix is not None]
        return cls(
            [(made[name](), strength) for name, strength in sliders.items()],
            shares,
            config.pool,
            max(widths, default=1) + config.pool,
        )

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Reorders every list; nothing is left out."""
        grid = lists.grid(self.pool)
        order = lists.grid()
        for rows in self._blocks(*grid.shape):
            block = grid[rows]
            pool = self._pool(lists, block, request.histories.take(rows), request)
            columns = self._fill(pool)
            order[rows, : grid.shape[1]] = np.take_along_axis(block, columns, axis=1)
        return Outcome(lists.arranged(order[order >= 0]))

    def _pool(
        self, lists: CandidateLists, grid: NDArray[np.int64], histories: Ragged, request: Request
    ) -> Pool:
        there = grid >= 0
        return Pool(
            np.where(there, lists.items.values[grid], PADDING),
            _relevance(np.where(there, lists.scores[grid], np.nan)),
            self._mix(histories),
            min(request.depth, grid.shape[1]),
            request.k,
        )

    def _mix(self, histories: Ragged) -> NDArray[np.float32]:
        """float32[n, c], the mean of the category shares of each history."""
        if self.shares is None:
            return np.zeros((len(histories), 0), np.float32)
        ones = np.ones(len(histories.values), np.float32)
        members = sp.csr_array(
            (ones, histories.values, histories.offsets), (len(histories), self.shares.shape[0])
        )
        sums = (members @ self.shares).toarray()
        return sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-12)

    def _fill(self, pool: Pool) -> NDArray[np.int64]:
        """int64[n, m], the columns of a pool in their new order."""
        people, width = pool.items.shape
        rows = np.arange(people)
        gains = [(term.start(pool, strength), strength) for term, strength in self.terms]
        left = float(np.prod([1 - strength for _, strength in self.terms]))
        absent = pool.items == PADDING
        # What is chosen or absent stays at minus infinity, whatever is gained.
        worth = np.where(absent, -np.inf, left * pool.relevance)
        chosen = np.empty((pool.places, people), np.int64)
        for place in range(pool.places):
            total = worth
            for gain, strength in gains:
                total = total + strength * gain.now()
            chosen[place] = total.argmax(axis=1)
            worth[rows, chosen[place]] = -np.inf
            for gain, _ in gains:
                gain.add(chosen[place])
        rank = np.full((people, width), pool.places)
        # From the last place up, as a pool that was used up begins anew.
        for place in reversed(range(pool.places)):
            rank[rows, chosen[place]] = place
        rank[absent] = pool.places + 1
        return rank.argsort(axis=1, kind="stable")

    def _blocks(self, people: int, width: int) -> Iterator[NDArray[np.int64]]:
        """Rows, so many at a time that what is held for them stays bounded."""
        step = max(1, _BLOCK_BYTES // (4 * max(width, 1) * self.width))
        for start in range(0, people, step):
            yield np.arange(start, min(start + step, people))


def _relevance(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores of rows from 1 for the best to 0 for the worst; NaN, where there is none, is 0."""
    # In float64, where scores that differ stay different.
    exact = scores.astype(np.float64)
    high = np.fmax.reduce(exact, axis=1, initial=-np.inf, keepdims=True)
    low = np.fmin.reduce(exact, axis=1, initial=np.inf, keepdims=True)
    span = np.where(high > low, high - low, 1)
    return np.where(np.isnan(exact), 0, (exact - low) / span)


def _shares(categories: Any) -> Any:
    """Each item's categories with shares that add up to 1."""
    numbers = np.asarray(categories.sum(axis=1)).ravel()
    scale = np.divide(1, numbers, out=np.zeros_like(numbers), where=numbers > 0)
    return (sp.diags_array(scale) @ categories).tocsr().astype(np.float32)


def _vectors(config: DiversityConfig, catalogue: Catalogue, categories: Any) -> Any:
    if config.likeness == "categories":
        return unit_rows(categories)
    if catalogue.vectors is None:
        raise ConfigError(
            "there are no content vectors to take likeness from.",
            field=f"{_SECTION}.likeness",
            hint="Give the run a section 'content', or choose categories.",
        )
    return catalogue.vectors
