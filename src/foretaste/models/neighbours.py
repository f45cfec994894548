"""Item neighbours: people who acted on this also acted on that."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._implicit import (
    ImplicitConfig,
    exposure_of,
    interactions,
    inverse_propensity,
)
from foretaste.models._similarity import Weighting, evidence_first
from foretaste.models._sparse import (
    SparseMatrix,
    history_matrix,
    matrix_tensors,
    restored_matrix,
)
from foretaste.models.base import Tensor
from foretaste.models.item_similarity import item_similarity
from foretaste.models.recency import ByRecency, RecencyConfig

_TENSOR = "neighbours."


class NeighboursConfig(RecencyConfig, ImplicitConfig):
    """What both kinds of neighbours share.

    Attributes:
        neighbours: Most similar ones that count.
        weighting: How similarity is measured: the cosine, the share in common (Jaccard), or the
            product after TF-IDF or BM25 weighting, as in text search.
        shrinkage: Doubt where there is little to go by: as if each had this many more actions
            that it shares with nobody. BM25 has a doubt of its own and makes no use of it.
    """

    neighbours: int = Field(default=100, ge=1)
    weighting: Weighting = "cosine"
    shrinkage: float = Field(default=10.0, ge=0)


class ItemKNNConfig(NeighboursConfig):
    """Settings of `ItemKNN`.

    Attributes:
        propensity: Power of exposure that is corrected: likings of rarely met items count more
            (`inverse_propensity`). 0 corrects nothing; the cosine divides by the
            root of popularity as it is, so that more is seldom better.
        exposure: Column of the items that says how often each was shown; without it, popularity
            stands for that.
    """

    propensity: float = Field(default=0.0, ge=0, le=1)
    exposure: str | None = None


class ItemKNN(ByRecency):
    """Scores an item by its similarity to the items of the history, the latest most of all.

    The similarity of two items is that of `foretaste.models.item_similarity`. Items without
    evidence follow those with it, by popularity, with scores from -1 to 0.
    """

    name = "itemknn"
    config_class = ItemKNNConfig
    needs_behaviour = True
    learns_on = True
    usual_half_life = 1.0

    config: ItemKNNConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _similarity: SparseMatrix

    @property
    def similarity(self) -> SparseMatrix:
        """float32[items + 1, items + 1]: in row i, what i says for the items it is near to."""
        return self._similarity

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        people = interactions(train, self.config)
        self._similarity = item_similarity(
            people,
            neighbours=self.config.neighbours,
            shrinkage=self.config.shrinkage,
            weighting=self.config.weighting,
        )
        if self.config.propensity:
            shown = exposure_of(train, self.config.exposure)
            weights = inverse_propensity(self.item_counts, self.config.propensity, shown)
            self._similarity.data *= weights[self._similarity.indices]

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        weights = self.recency_weights(histories)
        rows = history_matrix(histories, weights, self.item_vocabulary.size)
        return evidence_first((rows @ self._similarity).toarray(), self.item_counts)

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
        weights = self.recency_weights(histories)
        return weights * np.asarray(similarity).ravel()

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items have no neighbours."""
        size = self.item_vocabulary.size
        self._similarity.resize(size, size)

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | matrix_tensors(_TENSOR, self._similarity)

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        size = self.item_vocabulary.size
        self._similarity = restored_matrix(_TENSOR, tensors, (size, size))
