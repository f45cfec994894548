"""Models whose score is the product of two vectors: the person's and the item's."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from foretaste.data import Ragged
from foretaste.models.answering import Answering, Ranking
from foretaste.models.top_k import top_k

#: In catalogues of more items, scores are held for so many items, and people, at a time.
_ITEMS, _PEOPLE = 2**15, 256


class ByVectors(Answering):
    """Scores an item by the inner product of its vector and the person's.

    That is all there is to the score: whoever holds the vectors, such as an index over those of
    the items, can find the best items without scoring the others. Biases are a dimension of their
    own, in which people have 1.
    """

    @abstractmethod
    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """Vectors of people, float32[rows, d].

        Args:
            histories: Item codes, oldest first, that tell the model something
                (`answered_by_popularity` is false).
        """

    @property
    @abstractmethod
    def item_vectors(self) -> NDArray[np.float32]:
        """Vectors by item code, float32[items + 1, d]; row 0 means nothing. Not to be changed."""

    def score_rows(self, histories: Ragged, items: Ragged) -> NDArray[np.float32]:
        """Scores each history's own items, as `Answering.score_rows`, and no others."""
        strangers = self.answered_by_popularity(histories)
        told = np.flatnonzero(~strangers)
        people = np.zeros((len(histories), self.item_vectors.shape[1]), np.float32)
        if len(told):
            people[told] = self.user_vectors(histories.take(told))
        rows = items.row_of_value
        products = np.einsum("nd,nd->n", people[rows], self.item_vectors[items.values])
        by_count = self.item_counts[items.values].astype(np.float32)
        return np.where(strangers[rows], by_count, products)

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        return self.user_vectors(histories) @ self.item_vectors.T

    def _ranked_blocks(self, rows: int) -> list[NDArray[np.int64]]:
        if self.item_vocabulary.size <= _ITEMS:
            return super()._ranked_blocks(rows)
        return [np.arange(start, min(start + _PEOPLE, rows)) for start in range(0, rows, _PEOPLE)]

    def _best(self, histories: Ragged, k: int, banned: NDArray[np.bool_], seen: Ragged) -> Ranking:
        if self.item_vocabulary.size <= _ITEMS:
            return super()._best(histories, k, banned, seen)
        items = np.zeros((len(histories), k), np.int32)
        scores = np.full(items.shape, -np.inf, np.float32)
        strangers = self.answered_by_popularity(histories)
        told, untold = np.flatnonzero(~strangers), np.flatnonzero(strangers)
        if len(told):
            found = self._nearest(histories.take(told), k, banned, seen.take(told))
            items[told], scores[told] = found.items, found.scores
        if len(untold):
            found = self.most_popular(seen.take(untold), k, ~banned)
            width = found.items.shape[1]
            items[untold, :width], scores[untold, :width] = found.items, found.scores
        return Ranking(items, scores)

    def _nearest(
        self, histories: Ragged, k: int, banned: NDArray[np.bool_], seen: Ragged
    ) -> Ranking:
        """The k largest products, in one part of a large catalogue after the other.

        Scores of few people for all items would have the vectors of a million read from memory
        for every few of them, which takes longer than the products.
        """
        people, vectors = self.user_vectors(histories), self.item_vectors
        rows, best = seen.row_of_value, Ranking(*top_k(np.empty((len(people), 0), np.float32), k))
        for start in range(0, len(vectors), _ITEMS):
            part = slice(start, start + _ITEMS)
            scores = people @ vectors[part].T
            scores[:, banned[part]] = -np.inf
            here = (seen.values >= start) & (seen.values < part.stop)
            scores[rows[here], seen.values[here] - start] = -np.inf
            columns, values = top_k(scores, k)
            best = best.joined(Ranking(columns + np.int32(start), values), k)
        return best
