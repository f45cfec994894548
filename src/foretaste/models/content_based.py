"""Text similarity: people are shown what reads like what they had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.content import ContentReference, Encoder, TextEncoderConfig
from foretaste.content.unit import unit, unit_scale
from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._sparse import history_matrix, recency_weights
from foretaste.models.base import Recommender, Tensor

_VECTORS = "content.vectors"


class ContentBasedConfig(Config):
    """Settings of `ContentBased`.

    Attributes:
        content: The encoder of the items' words; None is for an encoder of one's own.
        half_life: Actions after which an action of the history counts half; `None` lets all
            count alike.
    """

    content: TextEncoderConfig | None = TextEncoderConfig()
    half_life: float | None = Field(default=1.0, gt=0)


class ContentBased(Recommender):
    """Scores an item by the cosine between its vector and a person's.

    A person is the mean of the unit vectors of their items, the latest weighted most (Rocchio's
    method: Pazzani & Billsus, 2007, section 10.4). Behaviour is not learnt from at all, so an
    item nobody has touched is ranked as fairly as any other; one without text scores zero.

    Args:
        config: Settings, or give them by keyword.
        content: Encoder of the items, in place of the text encoder of `config.content`.
        **settings: Fields of `ContentBasedConfig`.
    """

    name = "content"
    config_class = ContentBasedConfig

    config: ContentBasedConfig
    _vectors: NDArray[np.float32]

    def __init__(
        self,
        config: ContentBasedConfig | None = None,
        *,
        content: Encoder | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(config, **settings)
        self.content = ContentReference(self.config.content, content)
        self.config = self.config.model_copy(update={"content": self.content.settings})

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        vectors = unit(self.content.fit(train.items))
        self._vectors = np.pad(vectors, ((1, 0), (0, 0)))

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        return unit(self._people(histories)) @ self._vectors.T

    def contributions(self, histories: Ragged, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """What each action of each history adds to the score of one item.

        Args:
            histories: Item codes.
            items: int32[rows], the code of the item that is scored for each history.

        Returns:
            float32[total], in the order of `histories.values`; a row adds up to its score.
        """
        rows = histories.row_of_value
        weights = recency_weights(histories, self.config.half_life)
        toward = unit_scale(self._people(histories)) * self._vectors[items]
        return weights * (self._vectors[histories.values] * toward[rows]).sum(axis=1)

    def _people(self, histories: Ragged) -> NDArray[np.float32]:
        weights = recency_weights(histories, self.config.half_life)
        return history_matrix(histories, weights, self.item_vocabulary.size) @ self._vectors

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        self._vectors = np.concatenate([self._vectors, unit(self.content.encode(items))])

    def _tensors(self) -> dict[str, Tensor]:
        return {_VECTORS: self._vectors, **self.content.tensors()}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._vectors = tensors[_VECTORS]
        self.content.restore(tensors)
