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

from foretaste.content import TextEncoderConfig, item_texts
from foretaste.content.steps import Affine, principal
from foretaste.content.unit import unit, unit_scale
from foretaste.content.words import TfIdfWords
from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._sparse import (
    SparseMatrix,
    history_matrix,
    matrix_tensors,
    restored_matrix,
)
from foretaste.models._validation import best_of
from foretaste.models.base import Tensor
from foretaste.models.reading import ContentRecommender
from foretaste.models.recency import ByRecency, RecencyConfig, recency_weights
from foretaste.models.vectors import ByVectors

_VECTORS = "content.vectors"
_MEAN, _MATRIX = "whitening.mean", "whitening.matrix"
_WORDS = "words."

#: What is tried where nobody has said how far to whiten.
_WHITENINGS = (0.0, 0.5, 1.0)


class ContentBasedConfig(RecencyConfig):
    """Settings of `ContentBased`.

    Attributes:
        content: The encoder of the items' words; None is for an encoder of one's own.
        whitening: How far the vectors' principal components are brought to equal variance, from 0,
            the encoder's vectors as they are, to 1 (Su et al., "Whitening sentence
            representations", 2021). Null takes what ranks the validation targets best of none,
            half and full, and none where there are no such targets.
    """

    content: TextEncoderConfig | None = TextEncoderConfig()
    whitening: float | None = Field(default=None, ge=0, le=1)


class TfIdfConfig(RecencyConfig):
    """Settings of `TfIdf`.

    Attributes:
        fields: Columns of the items that hold words; `None` takes title, brand, categories and
            description, as far as they are there.
        most_terms: Terms that are kept, the most frequent ones.
    """

    fields: tuple[str, ...] | None = None
    most_terms: int = Field(default=100_000, ge=1)


class ContentBased(ByVectors, ContentRecommender, ByRecency):
    """Scores an item by the cosine between its vector and a person's (`tastes`).

    Behaviour says at most how far to whiten the vectors, so an item nobody has touched is ranked as
    fairly as any other; one without text scores zero.

    Args:
        config: Settings, or give them by keyword.
        content: Encoder of the items, in place of the text encoder of `config.content`.
        **settings: Fields of `ContentBasedConfig`.
    """

    name = "content"
    config_class = ContentBasedConfig

    learns_on = True
    usual_half_life = 1.0

    config: ContentBasedConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _vectors: NDArray[np.float32]
    _whitening: Affine | None

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        vectors = self.content.fit(train.items)
        best_of(
            self._whitenings(vectors, validation),
            self,
            lambda whitening: self._use(vectors, whitening),
            validation,
        )

    def _whitenings(
        self, vectors: NDArray[np.float32], validation: Targets | None
    ) -> list[Affine | None]:
        """What is done to the vectors, one way or several to choose from; learnt on warm items."""
        given = self.config.whitening
        powers = (
            (given,) if given is not None else _WHITENINGS if validation is not None else (0.0,)
        )
        known = vectors[self.item_counts[1:] > 0]
        known = known[known.any(axis=1)]
        if len(known) < 2:
            return [None]
        width = vectors.shape[1]
        return [principal(known, width, whitening=power) if power else None for power in powers]

    def _use(self, vectors: NDArray[np.float32], whitening: Affine | None) -> None:
        self._whitening = whitening
        self._vectors = np.pad(self._read(vectors), ((1, 0), (0, 0)))

    def _read(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors of what the encoder said."""
        return unit(vectors if self._whitening is None else self._whitening.apply(vectors))

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Behaviour teaches it nothing."""

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """Vectors of people, float32[rows, d]: see `tastes`."""
        return tastes(histories, self._vectors, self.half_life)

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
        weights = self.recency_weights(histories)
        people = profiles(histories, self._vectors, self.half_life)
        toward = unit_scale(people) * self._vectors[items]
        return weights * (self._vectors[histories.values] * toward[rows]).sum(axis=1)

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        self._vectors = np.concatenate([self._vectors, self._read(self.content.encode(items))])

    def _tensors(self) -> dict[str, Tensor]:
        tensors = super()._tensors() | {_VECTORS: self._vectors} | self.content.tensors()
        if self._whitening is not None:
            tensors |= {_MEAN: self._whitening.mean, _MATRIX: self._whitening.matrix}
        return tensors

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._vectors = tensors[_VECTORS]
        self._whitening = Affine(tensors[_MEAN], tensors[_MATRIX]) if _MEAN in tensors else None
        self.content.restore(tensors)


class TfIdf(ByRecency):
    """Scores an item by the rare words it shares with what a person had (`tastes`).

    Vectors are TF-IDF over words, and over pairs of characters in scripts written without spaces.
    They are learnt from the items' texts; new items are read with the terms that are known.
    """

    name = "tfidf"
    config_class = TfIdfConfig

    learns_on = True
    usual_half_life = 1.0

    config: TfIdfConfig  # pyright: ignore[reportIncompatibleVariableOverride]
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
        people = tastes(histories, self._vectors, self.half_life)
        return (people @ self._vectors.T).toarray()

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        added = self._words.encode(item_texts(items, self.config.fields))
        self._vectors = vstack([self._vectors, added], "csr")

    def _tensors(self) -> dict[str, Tensor]:
        own = self._words.tensors() | matrix_tensors(_WORDS, self._vectors)
        return super()._tensors() | own

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
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
