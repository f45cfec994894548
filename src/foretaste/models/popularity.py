"""The most popular items for everybody: the floor every other model must beat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from foretaste.config import Config
from foretaste.data import Dataset, Ragged, Targets
from foretaste.models.base import Recommender, Tensor


class PopularityConfig(Config):
    """Popularity has no settings."""


class Popularity(Recommender):
    """Ranks items by their number of training events."""

    name = "popularity"
    config_class = PopularityConfig
    learns_on = True

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        """Nothing to learn beyond the counts that every recommender keeps."""

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        return np.tile(self.item_counts.astype(np.float32), (len(histories), 1))

    def _tensors(self) -> dict[str, Tensor]:
        return {}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        """The counts are already back."""
