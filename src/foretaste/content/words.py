"""Words as sparse vectors: TF-IDF over the items' texts, for all scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from foretaste.errors import DataError

_TERMS: Final = "tfidf.terms"
_IDF: Final = "tfidf.idf"

_WORD = re.compile(r"\w+")

#: Scripts written without spaces between words: Thai, Lao, Khmer, Burmese, Tibetan, kana, Han.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\U00020000-\U0003134f]"
)
_PIECE = 2


def terms_of(text: str) -> list[str]:
    """The terms of a text: lower-case words; of scripts without spaces, pairs of characters."""
    return [term for word in _WORD.findall(text.lower()) for term in _terms_of_word(word)]


def _terms_of_word(word: str) -> list[str]:
    if not _UNSPACED.search(word) or len(word) <= _PIECE:
        return [word]
    return [word[start : start + _PIECE] for start in range(len(word) - _PIECE + 1)]


class TfIdfWords:
    """Sparse unit vectors of texts (TF-IDF, Salton & Buckley, 1988), through scikit-learn.

    Made by `of` from texts, or by `restored` from a model's state.
    """

    def __init__(self, vectoriser: TfidfVectorizer) -> None:
        self._vectoriser = vectoriser

    @classmethod
    def of(cls, texts: pl.Series, most_terms: int) -> TfIdfWords:
        """Learns the terms and how rare they are.

        Args:
            texts: One an item; empty where it has none.
            most_terms: Terms that are kept, the most frequent ones.

        Raises:
            DataError: No text holds a word.
        """
        if not texts.str.contains(r"\w").any():
            raise DataError("the items' texts hold no words.", field="fields")
        return cls(_vectoriser(max_features=most_terms).fit(texts.to_list()))

    @classmethod
    def restored(cls, tensors: Mapping[str, NDArray[Any]]) -> TfIdfWords:
        """The same that gave `tensors`."""
        terms = tensors[_TERMS].astype(np.uint8).tobytes().decode().split("\n")
        vectoriser = _vectoriser(vocabulary=terms)
        vectoriser.idf_ = tensors[_IDF]
        return cls(vectoriser)

    def __len__(self) -> int:
        """Number of terms."""
        return len(self._vectoriser.idf_)

    def encode(self, texts: pl.Series) -> Any:
        """Vectors, sparse float32[texts, terms]; terms that are not known say nothing."""
        return self._vectoriser.transform(texts.to_list()).tocsr()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The terms and their weights, for a model's state."""
        terms = "\n".join(self._vectoriser.get_feature_names_out())
        return {
            _TERMS: np.frombuffer(terms.encode(), np.uint8),
            _IDF: self._vectoriser.idf_.astype(np.float32),
        }


def _vectoriser(**settings: Any) -> TfidfVectorizer:
    # As a mapping: scikit-learn says of its arguments the types of their defaults.
    fixed: dict[str, Any] = {"analyzer": terms_of, "sublinear_tf": True, "dtype": np.float32}
    return TfidfVectorizer(**fixed, **settings)
