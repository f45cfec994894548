"""Models whose score is the product of two vectors: the person's and the item's."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from foretaste.data import Ragged
from foretaste.models.answering import Answering


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
