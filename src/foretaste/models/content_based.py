"""Profiles: people are shown what reads like what they had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix, vstack
from sklearn.preprocessing import normalize

from foretaste.config import Config
from foretaste.content import TextEncoderConfig, item_texts
from foretaste.content.unit import unit, unit_scale
from foretaste.content.words import TfIdfWords
from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._sparse import (
    SparseMatrix,
    history_matrix,
    matrix_tensors,
    recency_weights,
    restored_matrix,
)
from foretaste.models.base import Recommender, Tensor
from foretaste.models.reading import ContentRecommender
from foretaste.models.vectors import ByVectors

_VECTORS = "content.vectors"
_WORDS = "words."


class ProfileConfig(Config):
    """What both kinds of profiles share.

    Attributes:
        half_life: Actions after which an action of the history counts half; `None` lets all
            count alike.
    """

    half_life: float | None = Field(default=1.0, gt=0)


class ContentBasedConfig(ProfileConfig):
    """Settings of `ContentBased`.

    Attributes:
        content: The encoder of the items' words; None is for an encoder of one's own.
    """

    content: TextEncoderConfig | None = TextEncoderConfig()


class TfIdfConfig(ProfileConfig):
    """Settings of `TfIdf`.

    Attributes:
        fields: Columns of the items that hold words; `None` takes title, brand, categories and
            description, as far as they are there.
        most_terms: Terms that are kept, the most frequent ones.
    """

    fields: tuple[str, ...] | None = None
    most_terms: int = Field(default=100_000, ge=1)


class ContentBased(ByVectors, ContentRecommender):
    """Scores an item by the cosine between its vector and a person's (`tastes`).

    Behaviour is not learnt from at all, so an item nobody has touched is ranked as fairly as any
    other; one without text scores zero.

    Args:
        config: Settings, or give them by keyword.
        content: Encoder of the items, in place of the text encoder of `config.content`.
        **settings: Fields of `ContentBasedConfig`.
    """

    name = "content"
    config_class = ContentBasedConfig

    learns_on = True

    config: ContentBasedConfig
    _vectors: NDArray[np.float32]

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        vectors = unit(self.content.fit(train.items))
        self._vectors = np.pad(vectors, ((1, 0), (0, 0)))

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Behaviour teaches it nothing."""

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """Vectors of people, float32[rows, d]: see `tastes`."""
        return tastes(histories, self._vectors, self.config.half_life)

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """Unit vectors by item code, float32[items + 1, d]."""
        return self._vectors

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
        people = profiles(histories, self._vectors, self.config.half_life)
        toward = unit_scale(people) * self._vectors[items]
        return weights * (self._vectors[histories.values] * toward[rows]).sum(axis=1)

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        self._vectors = np.concatenate([self._vectors, unit(self.content.encode(items))])

    def _tensors(self) -> dict[str, Tensor]:
        return {_VECTORS: self._vectors, **self.content.tensors()}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._vectors = tensors[_VECTORS]
        self.content.restore(tensors)


class TfIdf(Recommender):
    """Scores an item by the rare words it shares with what a person had (`tastes`).

    Vectors are TF-IDF over words, and over pairs of characters in scripts written without spaces.
    They are learnt from the items' texts; new items are read with the terms that are known.
    """

    name = "tfidf"
    config_class = TfIdfConfig

    learns_on = True

    config: TfIdfConfig
    _vectors: SparseMatrix
    _words: TfIdfWords

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        texts = item_texts(train.items, self.config.fields)
        self._words = TfIdfWords.of(texts, self.config.most_terms)
        vectors = self._words.encode(texts)
        self._vectors = vstack(
            [csr_matrix((1, vectors.shape[1]), dtype=np.float32), vectors], "csr"
        )

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Behaviour teaches it nothing."""

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        people = tastes(histories, self._vectors, self.config.half_life)
        return (people @ self._vectors.T).toarray()

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        added = self._words.encode(item_texts(items, self.config.fields))
        self._vectors = vstack([self._vectors, added], "csr")

    def _tensors(self) -> dict[str, Tensor]:
        return self._words.tensors() | matrix_tensors(_WORDS, self._vectors)

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._words = TfIdfWords.restored(tensors)
        shape = (self.item_vocabulary.size, len(self._words))
        self._vectors = restored_matrix(_WORDS, tensors, shape)


def profiles(histories: Ragged, vectors: Any, half_life: float | None) -> Any:
    """Sums of the vectors of each history's items, weighted by recency; as dense as `vectors`."""
    weights = recency_weights(histories, half_life)
    return history_matrix(histories, weights, vectors.shape[0]) @ vectors


def tastes(histories: Ragged, vectors: Any, half_life: float | None) -> Any:
    """People as unit vectors, [histories, d]; as dense as `vectors`.

    A person is the mean of the unit vectors of their items, the latest weighted most (Rocchio's
    method: Pazzani & Billsus, 2007, section 10.4); products with items are cosines.

    Args:
        histories: Item codes, oldest first.
        vectors: Unit vectors by item code, dense or sparse float32[items + 1, d].
        half_life: Actions after which an action counts half; None lets all count alike.
    """
    return normalize(profiles(histories, vectors, half_life))
