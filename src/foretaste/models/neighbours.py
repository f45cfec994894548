"""Item neighbours: people who acted on this also acted on that."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from foretaste.config import Config
from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._sparse import SparseMatrix, history_matrix, recency_weights
from foretaste.models.base import Recommender, Tensor
from foretaste.models.item_similarity import item_similarity

_TENSOR = "neighbours."


class ItemKNNConfig(Config):
    """Settings of `ItemKNN`.

    Attributes:
        neighbours: Most similar items kept for every item.
        shrinkage: Doubt about items that few people acted on: as if each had this many more
            people, who share none of their items.
        half_life: Actions after which an action of the history counts half; `None` lets all
            count alike.
    """

    neighbours: int = Field(default=100, ge=1)
    shrinkage: float = Field(default=10.0, ge=0)
    half_life: float | None = Field(default=1.0, gt=0)


class ItemKNN(Recommender):
    """Scores an item by its similarity to the items of the history, the latest most of all.

    The similarity of two items is that of `foretaste.models.item_similarity`. Items without
    evidence follow those with it, by popularity, with scores from -1 to 0.
    """

    name = "itemknn"
    config_class = ItemKNNConfig
    needs_behaviour = True

    config: ItemKNNConfig
    _similarity: SparseMatrix

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        self._similarity = item_similarity(
            train.histories(),
            train.item_vocabulary.size,
            neighbours=self.config.neighbours,
            shrinkage=self.config.shrinkage,
        )

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        weights = recency_weights(histories, self.config.half_life)
        rows = history_matrix(histories, weights, self.item_vocabulary.size)
        scores = (rows @ self._similarity).toarray()
        by_popularity = self.item_counts / (self.item_counts.max() + 1) - 1
        return np.where(scores > 0, scores, by_popularity.astype(np.float32))

    def contributions(self, histories: Ragged, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """What each action of each history adds to the score of one item.

        Args:
            histories: Item codes.
            items: int32[rows], the code of the item that is scored for each history.

        Returns:
            float32[total], in the order of `histories.values`; a row adds up to its score, or to
            0 where the item has no evidence.
        """
        similarity = self._similarity[histories.values, items[histories.row_of_value]]
        weights = recency_weights(histories, self.config.half_life)
        return weights * np.asarray(similarity).ravel()

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items have no neighbours."""
        size = self.item_vocabulary.size
        self._similarity.resize(size, size)

    def _tensors(self) -> dict[str, Tensor]:
        return {
            _TENSOR + "values": self._similarity.data,
            _TENSOR + "items": self._similarity.indices,
            _TENSOR + "offsets": self._similarity.indptr,
        }

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        parts = (tensors[_TENSOR + name] for name in ("values", "items", "offsets"))
        size = self.item_vocabulary.size
        self._similarity = csr_matrix(tuple(parts), shape=(size, size))
        self._similarity.check_format(full_check=True)
