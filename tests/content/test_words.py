from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.content.words import TfIdfWords, terms_of
from foretaste.errors import DataError


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("A Garden-lamp, no. 3", ["a", "garden", "lamp", "no", "3"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("猫", ["猫"]),
        ("Größe ČTYŘI", ["größe", "čtyři"]),
        ("스피커 검정", ["스피커", "검정"]),
        ("", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


def test_vectors_are_unit_and_rare_words_count_more() -> None:
    texts = pl.Series(["red lamp", "blue lamp", "lamp", ""])
    words = TfIdfWords.of(texts, 100)
    vectors = words.encode(texts).toarray()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0], rtol=1e-6)
    assert sorted(vectors[0])[-2] < max(vectors[0])
    assert len(words) == 3


def test_state_gives_the_same_vectors() -> None:
    texts = pl.Series(["red lamp", "青いランプ"])
    words = TfIdfWords.of(texts, 100)
    again = TfIdfWords.restored(words.tensors())
    new = pl.Series(["青い lamp, unheard of"])
    np.testing.assert_array_equal(again.encode(new).toarray(), words.encode(new).toarray())


def test_the_most_frequent_terms_are_kept() -> None:
    assert len(TfIdfWords.of(pl.Series(["a b", "a c", "a b"]), 2)) == 2


def test_no_words_at_all() -> None:
    with pytest.raises(DataError, match="no words"):
        TfIdfWords.of(pl.Series(["", "..."]), 10)
