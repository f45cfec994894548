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

    Args:
        most_terms: Terms that are kept, the most frequent ones.
    """

    def __init__(self, most_terms: int) -> None:
        self._most_terms = most_terms
        self._vectoriser: TfidfVectorizer | None = None

    def fit(self, texts: pl.Series) -> Any:
        """Learns the terms and how rare they are; gives the vectors, float32[texts, terms].

        A text without words has a zero vector.

        Raises:
            DataError: No text has any.
        """
        if not texts.str.contains(r"\w").any():
            raise DataError("the items' texts hold no words.", field="fields")
        self._vectoriser = _vectoriser(max_features=self._most_terms)
        self._vectoriser.fit(texts.to_list())
        return self.encode(texts)

    def encode(self, texts: pl.Series) -> Any:
        """Vectors of texts that come later; terms that are new say nothing."""
        assert self._vectoriser is not None
        return self._vectoriser.transform(texts.to_list()).tocsr()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The terms and their weights, for a model's state."""
        assert self._vectoriser is not None
        terms = "\n".join(self._vectoriser.get_feature_names_out())
        return {
            _TERMS: np.frombuffer(terms.encode(), np.uint8),
            _IDF: self._vectoriser.idf_.astype(np.float32),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> int:
        """Takes back what `tensors` gave; gives the number of terms."""
        terms = tensors[_TERMS].astype(np.uint8).tobytes().decode().split("\n")
        self._vectoriser = _vectoriser(vocabulary=terms)
        self._vectoriser.idf_ = tensors[_IDF]
        return len(terms)


def _vectoriser(**settings: Any) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=terms_of, sublinear_tf=True, dtype=np.float32, **settings)
