from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.search import words_of
from foretaste.search.fusion import fuse, personalise
from foretaste.search.lexical import WordIndex
from foretaste.search.spelling import Spelling


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Red LAMP, 500ml", ["red", "lamp", "500ml"]),
        ("Café Ｗｉｄｅ naïve", ["cafe", "wide", "naive"]),
        ("红茶杯", ["红", "茶", "杯", "红茶", "茶杯"]),
        ("iPhone手机 case", ["iphone", "手", "机", "手机", "case"]),
        ("हिन्दी 한국어", ["हिन्दी", "한국어"]),
        ("が", ["が"]),
        ("-- ?!", []),
    ],
)
def test_words_of_many_scripts(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(max_size=40))
def test_any_text_gives_words_that_are_found_again(text: str) -> None:
    for word in words_of(text):
        assert word.split() == [word]
        assert word in words_of(word)


def codes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@pytest.fixture
def index() -> WordIndex:
    index = WordIndex()
    titles = ["Red lamps", "Blue lamp lamp", "Desk", "红茶杯", "Red lamps"]
    rests = ["of glass", "for a desk", "with a lamp on it", "", "of glass"]
    index.add(codes(1, 2, 3, 4, 9), titles, rests)
    return index


def test_titles_count_more_and_ties_go_by_code(index: WordIndex) -> None:
    found, scores = index.search(["lamp"], 10)
    assert found.tolist() == [2, 1, 9, 3]
    assert scores[1] == scores[2] > scores[3]
    assert index.search(["lamps", "red"], 2)[0].tolist() == [1, 9]
    assert index.search(words_of("茶杯"), 10)[0].tolist() == [4]
    assert index.search(["unheard"], 10)[0].tolist() == []
    assert index.search([], 10)[0].tolist() == []


def test_only_what_is_allowed_is_found(index: WordIndex) -> None:
    found, scores = index.search(["lamp"], 10, allowed=codes(3, 9, 4))
    assert found.tolist() == [9, 3]
    assert scores[0] == index.search(["lamp"], 10)[1][1]


def test_items_come_and_go(index: WordIndex) -> None:
    index.delete(codes(2, 77))
    index.add(codes(12), ["lamp"], ["lamp"])
    assert len(index) == 5
    assert index.search(["lamp"], 10)[0].tolist()[0] == 12
    assert 2 not in index.search(["lamp"], 10)[0]
    assert index.knows("lamping")
    assert not index.knows("blue")


def test_endings_stay_where_no_language_is_set() -> None:
    index = WordIndex(language=None)
    index.add(codes(1), ["Red lamps"], [""])
    assert not index.knows("lamp")


@pytest.fixture
def spelling() -> Spelling:
    spelling = Spelling()
    spelling.add(["lamp", "lamp", "lump", "garden", "garlic"])
    return spelling


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lanp", "lamp"),
        ("lapm", "lamp"),
        ("lxmp", "lamp"),
        ("gradne", "garden"),
        ("la", None),
        ("zebra", None),
        ("ggrdxxn", None),
    ],
)
def test_mistyped_words(spelling: Spelling, typed: str, meant: str | None) -> None:
    assert spelling.correct(typed) == meant


def test_words_by_their_start(spelling: Spelling) -> None:
    assert [spelling.words[place] for place in spelling.starting_with("gar")] == [
        "garden",
        "garlic",
    ]
    assert not spelling.starting_with("x")
    assert spelling.correct_start("gra") == "gar"


def test_rankings_are_fused_by_rank() -> None:
    fused = fuse({"a": codes(5, 3), "b": codes(3, 7)}, {"a": 1.0, "b": 1.0})
    expected = np.array([61 / 62 + 1, 1, 61 / 62]) / 2
    assert fused.codes.tolist() == [3, 5, 7]
    np.testing.assert_allclose(fused.relevance, expected)
    assert fused.sources == ("a+b", "a", "b")
    weighted = fuse({"a": codes(5), "b": codes(7)}, {"a": 0.1, "b": 1.0})
    assert weighted.codes.tolist() == [7, 5]
    assert fuse({"a": codes()}, {"a": 1.0}).codes.tolist() == []


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9, unique=True), st.floats(0, 1))
def test_the_slider_goes_from_the_query_to_the_person(values: list[float], slider: float) -> None:
    relevance = np.array(values)
    liking = relevance[::-1].copy()
    assert personalise(relevance, liking, 0).argsort().tolist() == relevance.argsort().tolist()
    assert personalise(relevance, liking, 1).argsort().tolist() == liking.argsort().tolist()
    unknown = personalise(relevance, np.full(len(values), np.nan), slider)
    if slider < 1:
        assert unknown.argmax() == relevance.argmax()
    assert ((personalise(relevance, liking, slider) >= 0) & (unknown <= 1)).all()
