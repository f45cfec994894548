"""Where candidates come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged
from foretaste.models import ByVectors, Ranking, Recommender
from foretaste.models.top_k import top_k
from foretaste.ranking.catalogue import Catalogue
from foretaste.ranking.index import VectorIndex
from foretaste.ranking.similar import SimilarItems
from foretaste.ranking.stage import Request

#: People whose candidates' vectors are held at once.
_BLOCK = 1024


@runtime_checkable
class Source(Protocol):
    """Something that proposes items to people."""

    @property
    def name(self) -> str:
        """Under which name its candidates are known."""
        ...

    def propose(self, request: Request, n: int, allowed: NDArray[np.bool_]) -> Ranking:
        """Proposes items to everybody.

        Args:
            request: To whom.
            n: At most so many items a person.
            allowed: bool[items + 1], the items that may be shown; others are dropped later.

        Returns:
            Codes and scores, a row a person; 0 where there are fewer.
        """
        ...


@dataclass(frozen=True)
class ModelSource:
    """The recommender's own best items, among some of them or all.

    Attributes:
        model: A fitted recommender.
        name: By default that of the recommender.
        exclude_seen: Leave out the items of the history.
        among: bool[items + 1]; None is all.
    """

    model: Recommender
    name: str
    exclude_seen: bool = True
    among: NDArray[np.bool_] | None = None

    def propose(self, request: Request, n: int, allowed: NDArray[np.bool_]) -> Ranking:
        """The n items that the model scores highest."""
        codes = np.flatnonzero(_chosen(allowed, self.among)).astype(np.int32)
        return self.model.rank(
            request.histories,
            n,
            exclude_seen=self.exclude_seen,
            candidates=None if len(codes) == len(allowed) - 1 else codes,
        )


@dataclass(frozen=True)
class IndexSource:
    """The recommender's own best items, found by an index without scoring the others.

    What may be shown, and what was seen, is minded during the search. The scores are the model's
    own, however the index keeps vectors.

    Attributes:
        model: A fitted recommender.
        index: Of its items.
        name: By default that of the recommender.
        exclude_seen: Leave out the items of the history.
        among: bool[items + 1]; None is all.
    """

    model: ByVectors
    index: VectorIndex
    name: str
    exclude_seen: bool = True
    among: NDArray[np.bool_] | None = None

    def propose(self, request: Request, n: int, allowed: NDArray[np.bool_]) -> Ranking:
        """The n items that the model scores highest, nearly all of them."""
        histories, chosen = request.histories, _chosen(allowed, self.among)
        n = min(n, int(np.count_nonzero(chosen)))
        shape = (len(histories), n)
        items, scores = np.zeros(shape, np.int32), np.full(shape, -np.inf, np.float32)
        if not n:
            return Ranking(items, scores)
        strangers = self.model.answered_by_popularity(histories)
        for rows in _blocks(np.flatnonzero(~strangers)):
            found = self._nearest(histories.take(rows), n, chosen)
            items[rows], scores[rows] = found.items, found.scores
        for rows in _blocks(np.flatnonzero(strangers)):
            seen = histories.take(rows) if self.exclude_seen else histories.take(rows).last(0)
            found = self.model.most_popular(seen, n, chosen)
            items[rows], scores[rows] = found.items, found.scores
        return Ranking(items, scores)

    def _nearest(self, histories: Ragged, n: int, chosen: NDArray[np.bool_]) -> Ranking:
        people = self.model.user_vectors(histories)
        exclude = histories if self.exclude_seen else None
        found = self.index.search(people, n, allowed=chosen, exclude=exclude).items
        products = np.einsum("nd,nkd->nk", people, self.model.item_vectors[found])
        return Ranking(found, np.where(found == PADDING, np.float32(-np.inf), products))


@dataclass(frozen=True)
class PopularSource:
    """The items with the most training events, the same for everybody."""

    catalogue: Catalogue
    name: str = "popular"

    def propose(self, request: Request, n: int, allowed: NDArray[np.bool_]) -> Ranking:
        """The n most popular items, scored by their number of events."""
        scores = np.where(allowed, self.catalogue.counts, -np.inf).astype(np.float32)
        scores[0] = -np.inf
        items, values = top_k(scores[None], n)
        shape = (len(request), items.shape[1])
        return Ranking(np.broadcast_to(items, shape), np.broadcast_to(values, shape))


@dataclass(frozen=True)
class SimilarSource:
    """What resembles the latest items of the history.

    Attributes:
        similar: Finds the items.
        anchors: How many of the latest items are asked about.
    """

    similar: SimilarItems
    anchors: int = 3
    name: str = "similar"

    def propose(self, request: Request, n: int, allowed: NDArray[np.bool_]) -> Ranking:
        """The items most like the latest ones, together at least n where there are so many."""
        latest = request.histories.padded(self.anchors)
        anchors, which = np.unique(latest, return_inverse=True)
        found = self.similar.nearest(anchors, n, allowed)
        shape = (len(request), latest.shape[1] * found.items.shape[1])
        which = which.reshape(latest.shape)
        there = latest[..., None] != PADDING
        items = np.where(there, found.items[which], PADDING).reshape(shape)
        return Ranking(items, found.scores[which].reshape(shape))


@dataclass(frozen=True)
class FixedSource:
    """The same few items for everybody, such as those that are pinned.

    Attributes:
        items: int32[n], item codes.
        name: Of the source.
    """

    items: NDArray[np.int32]
    name: str

    def propose(self, request: Request, n: int, allowed: NDArray[np.bool_]) -> Ranking:
        """All of them that are allowed, whatever `n` is."""
        items = np.tile(np.where(allowed[self.items], self.items, 0), (len(request), 1))
        return Ranking(items, np.ones(items.shape, np.float32))


def _chosen(allowed: NDArray[np.bool_], among: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """bool[items + 1], the items that are allowed and among those."""
    chosen = allowed.copy() if among is None else allowed & among
    chosen[PADDING] = False
    return chosen


def _blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
