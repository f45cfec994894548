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


def ranked(**scores: float) -> tuple[np.ndarray, np.ndarray]:
    """Codes by letter: a is 1."""
    found = codes(*(ord(letter) - ord("a") + 1 for letter in scores))
    return found, np.array(list(scores.values()), np.float32)


def test_rankings_are_fused_by_score() -> None:
    fused = fuse({"x": ranked(e=8, c=4), "y": ranked(c=0.5, g=0.1)}, {"x": 1.0, "y": 1.0})
    assert fused.codes.tolist() == [3, 5, 7]
    np.testing.assert_allclose(fused.relevance, [0.75, 0.5, 0.1], rtol=1e-6)
    assert fused.sources == ("x+y", "x", "y")
    weighted = fuse({"x": ranked(e=8), "y": ranked(g=1)}, {"x": 0.1, "y": 1.0})
    assert weighted.codes.tolist() == [7, 5]
    alone = fuse({"x": ranked(), "y": ranked(a=3, b=3)}, {"x": 1.0, "y": 0.5})
    assert (alone.codes.tolist(), alone.relevance.tolist()) == ([1, 2], [1, 1])
    assert fuse({"x": ranked()}, {"x": 1.0}).codes.tolist() == []


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9, unique=True), st.floats(0, 1))
def test_the_slider_goes_from_the_query_to_the_person(values: list[float], slider: float) -> None:
    relevance = np.array(values)
    liking = relevance[::-1].copy()
    assert personalise(relevance, liking, 0).tolist() == values
    assert personalise(relevance, liking, 1).argsort().tolist() == liking.argsort().tolist()
    mixed = personalise(relevance, liking, slider)
    assert ((mixed >= 0) & (mixed <= 1)).all()
    unknown = personalise(relevance, np.full(len(values), np.nan), slider)
    np.testing.assert_allclose(unknown, (1 - slider) * relevance + slider / 2)
