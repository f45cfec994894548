"""User neighbours: what people with a history like yours went on to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._implicit import interactions
from foretaste.models._similarity import evidence_first, jaccard, keep_best, weigh
from foretaste.models._sparse import (
    SparseMatrix,
    history_matrix,
    matrix_tensors,
    restored_matrix,
)
from foretaste.models.base import Tensor
from foretaste.models.neighbours import NeighboursConfig
from foretaste.models.recency import ByRecency

_TENSOR = "people."

#: Similarities to people held at once.
_BLOCK = 2**24


class UserKNNConfig(NeighboursConfig):
    """Settings of `UserKNN`; those of `NeighboursConfig` are about people here."""


class UserKNN(ByRecency):
    """Scores an item by the similarity of the people who acted on it (Herlocker et al., 1999).

    The history is a query and the people of the training data are the documents: a term of the
    query counts by its age, and the weighting acts on the documents, as in text search. A person
    met in training is answered like anybody else; they are their own nearest neighbour, which
    adds nothing to items they have not acted on.

    Items without evidence follow those with it, by popularity, with scores from -1 to 0.
    """

    name = "userknn"
    config_class = UserKNNConfig
    needs_behaviour = True
    learns_on = True
    usual_half_life = 3.0

    config: UserKNNConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _people: SparseMatrix
    _documents: SparseMatrix

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        self._use(interactions(train, self.config))

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        weights = self.recency_weights(histories)
        queries = history_matrix(histories, weights, self.item_vocabulary.size)
        step = max(1, _BLOCK // self._people.shape[0])
        scores = np.empty(queries.shape, np.float32)
        for start in range(0, len(scores), step):
            block = slice(start, start + step)
            scores[block] = (self._nearest(queries[block]) @ self._people).toarray()
        return evidence_first(scores, self.item_counts)

    def _nearest(self, queries: SparseMatrix) -> SparseMatrix:
        """The most similar people to each query, with their similarities."""
        if self.config.weighting == "jaccard":
            similarity = jaccard(queries, self._documents, self.config.shrinkage)
        else:
            similarity = (queries @ self._documents.T).tocsr()
        return keep_best(similarity, self.config.neighbours)

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items have nobody who acted on them."""
        for matrix in (self._people, self._documents):
            matrix.resize(matrix.shape[0], self.item_vocabulary.size)

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | matrix_tensors(_TENSOR, self._people)

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        people = len(tensors[_TENSOR + "offsets"]) - 1
        self._use(restored_matrix(_TENSOR, tensors, (people, self.item_vocabulary.size)))

    def _use(self, people: SparseMatrix) -> None:
        self._people = people
        self._documents = (
            people
            if self.config.weighting == "jaccard"
            else weigh(people, self.config.weighting, self.config.shrinkage)
        )
