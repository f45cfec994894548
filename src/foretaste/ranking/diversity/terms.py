"""What a list can be wanted to be beyond relevant, as gains of the next item.

A term is given a pool of candidates and asked, place by place, what each candidate would add to
what has been chosen so far. Pools are batches: arrays of [people, candidates].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: What a candidate that breaks a cap loses: more than all else can make up for.
_BARRED = np.float32(1e6)
#: Below this much of an item is new, the determinant says no more than that.
_LEAST_NEW = 1e-6
#: A category that more of the catalogue has ("Beauty", in a shop for it) tells nothing apart.
_TELLING = 0.5


@dataclass(frozen=True)
class Pool:
    """The candidates of some people, best first.

    Attributes:
        items: int32[n, m], item codes; 0 where a person has fewer.
        relevance: float64[n, m], from 1 for the best of a list to 0 for the worst.
        mix: float32[n, c], share of each category in the person's history; zero without one.
        places: How many will be filled.
        page: Items a page.
    """

    items: NDArray[np.int32]
    relevance: NDArray[np.float64]
    mix: Floats
    places: int
    page: int


class Term(Protocol):
    """One thing that a list is wanted to be."""

    def start(self, pool: Pool, strength: float) -> Gains:
        """Begins with empty lists; `strength`, in [0, 1], is how much it is wanted."""
        ...


class Gains(Protocol):
    """What candidates would add, as lists grow."""

    def now(self) -> Floats:
        """float32[n, m], what each candidate would add to its list as it stands."""
        ...

    def add(self, chosen: NDArray[np.int64]) -> None:
        """Puts a candidate on every list; `chosen`, int64[n], are columns of the pool."""
        ...


def gathered(matrix: Any, items: NDArray[np.int32]) -> Floats:
    """Rows of a dense or sparse matrix, float32[n, m, d], for item codes [n, m]."""
    if sp.issparse(matrix):
        return matrix[items.ravel()].toarray().reshape(*items.shape, matrix.shape[1])
    return matrix[items]


@dataclass(frozen=True)
class Dissimilarity:
    """Maximal marginal relevance (Carbonell & Goldstein, 1998): unlike the nearest one chosen.

    Attributes:
        vectors: float32[items + 1, d], unit vectors by item code, dense or sparse.
    """

    vectors: Any

    def start(self, pool: Pool, strength: float) -> Gains:
        """No item resembles an empty list."""
        return _Dissimilarity(gathered(self.vectors, pool.items))


class _Dissimilarity:
    def __init__(self, vectors: Floats) -> None:
        self._vectors = vectors
        self._nearest = np.full(vectors.shape[:2], -np.inf, np.float32)

    def now(self) -> Floats:
        return np.where(np.isneginf(self._nearest), 0, -self._nearest)

    def add(self, chosen: NDArray[np.int64]) -> None:
        latest = self._vectors[np.arange(len(chosen)), chosen]
        likeness = np.einsum("nmd,nd->nm", self._vectors, latest)
        np.maximum(self._nearest, likeness, out=self._nearest)


@dataclass(frozen=True)
class Determinant:
    """A determinantal point process: the log-volume that a list spans.

    The fast greedy search for the most probable list of Chen, Zhang & Zhou (2018): a Cholesky
    factor grows by a row with every item chosen. The gain is over the largest loss there is, so
    that it lies between -1 and 0 and the slider is as gradual as the others. Items that span
    nothing new all gain the same.

    Attributes:
        vectors: float32[items + 1, d], unit vectors by item code, dense or sparse.
    """

    vectors: Any

    def start(self, pool: Pool, strength: float) -> Gains:
        """Every item spans 1 alone."""
        return _Determinant(gathered(self.vectors, pool.items), pool.places)


class _Determinant:
    def __init__(self, vectors: Floats, k: int) -> None:
        # An error is divided by what was new of each item chosen: in single precision, or if unit
        # vectors were taken to be just that, it may come to more than the least that is new.
        self._vectors = vectors.astype(np.float64)
        self._factor = np.zeros((*vectors.shape[:2], k))
        spanned = np.einsum("nmd,nmd->nm", self._vectors, self._vectors)
        # What has no vector is like nothing.
        self._new = np.where(spanned > 0, spanned, 1)
        self._chosen = 0

    def now(self) -> Floats:
        gains = np.log(np.maximum(self._new, _LEAST_NEW)) / -np.log(_LEAST_NEW)
        return gains.astype(np.float32)

    def add(self, chosen: NDArray[np.int64]) -> None:
        rows, done = np.arange(len(chosen)), slice(self._chosen)
        likeness = np.einsum("nmd,nd->nm", self._vectors, self._vectors[rows, chosen])
        explained = np.einsum(
            "nmt,nt->nm", self._factor[..., done], self._factor[rows, chosen][:, done]
        )
        scale = np.sqrt(np.maximum(self._new[rows, chosen], _LEAST_NEW))[:, None]
        row = (likeness - explained) / scale
        # What spans nothing new has a row of rounding errors.
        row[self._new[rows, chosen] <= _LEAST_NEW] = 0
        self._factor[..., self._chosen] = row
        self._new -= row**2
        self._chosen += 1


@dataclass(frozen=True)
class Coverage:
    """xQuAD (Santos, Macdonald & Ounis, 2010): the person's categories, each covered by something.

    A category matters by its share of the person's history, or all alike without one. An item
    covers its categories as far as it is relevant, and what is covered counts less from then on:
    ``sum_c P(c | person) P(item | c) prod_{j chosen} (1 - P(j | c))``.

    Attributes:
        categories: float32[items + 1, c], 0-1, by item code, sparse.
    """

    categories: Any

    def start(self, pool: Pool, strength: float) -> Gains:
        """Nothing is covered."""
        member = gathered(self.categories, pool.items)
        even = np.float32(1 / max(member.shape[2], 1))
        wanted = np.where(pool.mix.any(axis=1, keepdims=True), pool.mix, even)
        return _Coverage(member * pool.relevance[..., None].astype(np.float32), wanted)


class _Coverage:
    def __init__(self, covers: Floats, wanted: Floats) -> None:
        self._covers = covers
        self._uncovered = wanted.copy()

    def now(self) -> Floats:
        return np.einsum("nmc,nc->nm", self._covers, self._uncovered)

    def add(self, chosen: NDArray[np.int64]) -> None:
        self._uncovered *= 1 - self._covers[np.arange(len(chosen)), chosen]


@dataclass(frozen=True)
class Calibration:
    """Calibrated lists (Steck, 2018): in a list the categories have the shares they have in life.

    The gain is minus the divergence KL(p || q) of the list's shares q, with the item, from the
    person's p; q is smoothed with 1% of p. Somebody without a history has no mix to be true to.

    Attributes:
        shares: float32[items + 1, c], by item code, adding up to 1 for an item that has
            categories, sparse.
    """

    shares: Any

    def start(self, pool: Pool, strength: float) -> Gains:
        """The list is empty."""
        return _Calibration(gathered(self.shares, pool.items), pool.mix)


class _Calibration:
    _SMOOTHING = np.float32(0.01)

    def __init__(self, shares: Floats, mix: Floats) -> None:
        self._shares = shares
        self._mix = mix[:, None, :]
        self._sum = np.zeros_like(mix)[:, None, :]

    def now(self) -> Floats:
        sums = self._sum + self._shares
        total = np.maximum(sums.sum(axis=2, keepdims=True), _LEAST_NEW)
        smoothed = (1 - self._SMOOTHING) * sums / total + self._SMOOTHING * self._mix
        # 0 log 0 is 0: a category that the person never had does not count.
        ratio = np.where(self._mix > 0, self._mix / np.maximum(smoothed, 1e-12), 1)
        return -(self._mix * np.log(ratio)).sum(axis=2)

    def add(self, chosen: NDArray[np.int64]) -> None:
        self._sum += self._shares[np.arange(len(chosen)), chosen][:, None, :]


@dataclass(frozen=True)
class CategoryCap:
    """At most so many items of one category a page of k: all at strength 0, one at strength 1.

    Between them ``round(k * (1 - strength))``, at least one. Where every candidate left would
    break a cap, the most relevant one follows, so that lists stay full. Categories that most of
    the catalogue has are not capped.

    Attributes:
        categories: float32[items + 1, c], 0-1, by item code, sparse.
    """

    categories: Any

    @classmethod
    def of(cls, categories: Any) -> CategoryCap:
        """From all categories, float32[items + 1, c], 0-1, by item code, sparse."""
        share = np.asarray(categories.sum(axis=0)).ravel() / max(categories.shape[0] - 1, 1)
        return cls(categories[:, np.flatnonzero(share <= _TELLING)])

    def start(self, pool: Pool, strength: float) -> Gains:
        """No category has an item."""
        cap = max(1, round(pool.page * (1 - strength)))
        return _CategoryCap(gathered(self.categories, pool.items), cap, pool.page)


class _CategoryCap:
    def __init__(self, member: Floats, cap: int, page: int) -> None:
        self._member = member
        self._cap = cap
        self._page = page
        self._chosen = 0
        self._counts = np.zeros((len(member), member.shape[2]), np.float32)

    def now(self) -> Floats:
        full = (self._counts >= self._cap).astype(np.float32)
        return -_BARRED * (np.einsum("nmc,nc->nm", self._member, full) > 0)

    def add(self, chosen: NDArray[np.int64]) -> None:
        self._chosen += 1
        if self._chosen % self._page == 0:
            self._counts[:] = 0
        else:
            self._counts += self._member[np.arange(len(chosen)), chosen]


@dataclass(frozen=True)
class Unpopularity:
    """Correction of popularity bias: an item's self-information (Zhou et al., 2010), 0 to 1.

    Attributes:
        novelty: float32[items + 1], -log2 of the smoothed share of the training events, over
            the largest.
    """

    novelty: Floats

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Unpopularity:
        """From int64[items + 1], training events by item code."""
        share = (counts + 1) / (counts[1:].sum() + len(counts) - 1)
        bits = -np.log2(share)
        return cls((bits / bits[1:].max(initial=1)).astype(np.float32))

    def start(self, pool: Pool, strength: float) -> Gains:
        """What an item adds does not depend on the others."""
        return _Constant(self.novelty[pool.items])


class _Constant:
    def __init__(self, gains: Floats) -> None:
        self._gains = gains

    def now(self) -> Floats:
        return self._gains

    def add(self, chosen: NDArray[np.int64]) -> None:
        """Nothing changes."""
