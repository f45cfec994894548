from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import DataError, InputError
from foretaste.models import ItemKNN
from foretaste.search import SearchEngine, Seeker, Suggester
from tests.content.words import WordCounts
from tests.contracts.worlds import two_tastes

ITEMS = pl.DataFrame(
    {
        "item_id": ["a", "b", "c", "d", "e", "f"],
        "title": ["Red desk lamp", "Garden lamps", "Desk", "Garden chair", "红色茶杯", None],
        "categories": [
            ["Home", "Lights"],
            ["Home", "Lights"],
            ["Home", "Tables"],
            ["Home", "Chairs"],
            ["Home", "杯子"],
            None,
        ],
        "brand": ["Acme", "Bolt", "Acme", None, "Acme", "Bolt"],
    }
)


@pytest.fixture(scope="module")
def words() -> SearchEngine:
    return SearchEngine(ITEMS)


@pytest.fixture(scope="module")
def meaning() -> SearchEngine:
    return SearchEngine(ITEMS, encoder=WordCounts())


def found(engine: SearchEngine, query: str, k: int = 10, **options: object) -> list[str]:
    return engine.search(query, k, **options).items["item_id"].to_list()


def test_items_are_found_by_words_of_any_field(words: SearchEngine) -> None:
    assert set(found(words, "lamp")) == {"a", "b"}
    assert found(words, "茶杯") == ["e"]
    assert found(words, "bolt lamp")[0] == "b"
    assert found(words, "lamp", k=1, allowed=["c", "b"]) == ["b"]
    table = words.search("lamp").items
    assert table["rank"].to_list() == [1, 2]
    assert set(table["source"]) == {"words"}


def test_meaning_finds_what_words_do_not(meaning: SearchEngine) -> None:
    table = meaning.search("GARDENSHOPPER").items
    assert table["item_id"].to_list() == ["d", "b"]
    assert set(table["source"]) == {"meaning"}
    assert set(meaning.search("lamp").items["source"]) == {"words+meaning"}


def test_mistyped_words_are_corrected_and_said(words: SearchEngine) -> None:
    result = words.search("gardne chair")
    assert result.items["item_id"][0] == "d"
    assert result.corrections == {"gardne": "garden"}
    assert "“garden” for “gardne”" in result.reason
    json.dumps(result.to_dict(), allow_nan=False)


def test_what_a_query_is_about(words: SearchEngine) -> None:
    guesses = words.search("lamp").intent.guesses
    assert guesses["categories"][0].value == "Lights"
    assert guesses["categories"][0].probability == 1
    named = words.search("acme").intent.guesses["brand"]
    assert named[0].value == "Acme"
    assert "Home" not in [guess.value for guess in guesses["categories"]][:1]


WORLD = two_tastes()
MODEL = ItemKNN(shrinkage=1.0).fit(WORLD)
THINGS = SearchEngine(WORLD.items)


def test_the_person_decides_among_what_was_found() -> None:
    gardener = Seeker(MODEL, ["garden-1", "garden-2"])
    for taste, slider in [("garden", 1.0), ("desk", 0.0)]:
        result = THINGS.search("thing desk", 5, seeker=gardener, slider=slider)
        assert all(item.startswith(taste) for item in result.items["item_id"])
    other = Seeker(MODEL, ["desk-1", "desk-2"])
    assert found(THINGS, "thing", 5, seeker=other)[0].startswith("desk")


def test_an_empty_page_is_filled_and_says_why() -> None:
    assert THINGS.search("xylophone").items.is_empty()
    assert "“xylophone”" in THINGS.search("xylophone").reason
    gardener = Seeker(MODEL, ["garden-1", "garden-2"])
    result = THINGS.search("xylophone", 3, seeker=gardener)
    assert all(item.startswith("garden") for item in result.items["item_id"])
    assert set(result.items["source"]) == {"itemknn"}
    assert "chosen for this person" in result.reason
    nobody = THINGS.search("xylophone", 3, seeker=Seeker(MODEL), allowed=["desk-2"])
    assert nobody.items["item_id"].to_list() == ["desk-2"]
    assert set(nobody.items["source"]) == {"popularity"}
    assert "popular" in nobody.reason


def test_items_come_and_go() -> None:
    engine = SearchEngine(ITEMS, encoder=WordCounts())
    engine.delete(["a", "nothing", "f"])
    engine.delete(["a"])
    assert found(engine, "desk") == ["c"]
    engine.add(
        pl.DataFrame(
            {
                "item_id": ["g", "b"],
                "title": ["Desk lampshade", "ignored"],
                "categories": [["Lights"], None],
                "brand": ["Acme", None],
            }
        )
    )
    assert len(engine) == 5
    assert set(found(engine, "desk")) == {"c", "g"}
    assert found(engine, "lampshade")[0] == "g"
    assert "a" not in found(engine, "lamp")
    with pytest.raises(DataError, match="title"):
        engine.add(pl.DataFrame({"item_id": ["h"]}))


ALLOWED = st.lists(st.sampled_from(WORLD.items["item_id"].to_list()), unique=True, max_size=8)


@given(query=st.sampled_from(["thing", "garden desk", "number 4", "gardn", "xyz"]), allowed=ALLOWED)
def test_nothing_but_what_is_allowed_is_ever_shown(query: str, allowed: list[str]) -> None:
    seeker = Seeker(MODEL, ["garden-1"])
    answer = found(THINGS, query, seeker=seeker, allowed=allowed)
    assert set(answer) <= set(allowed)
    assert len(answer) == len(set(answer))


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("?!", {}, "no words"),
        ("", {}, "no words"),
        ("lamp", {"k": 0}, "at least 1"),
        ("lamp", {"slider": 1.5}, "from 0 to 1"),
    ],
)
def test_bad_questions(
    words: SearchEngine, query: str, options: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        words.search(query, **options)


def test_a_catalogue_without_words() -> None:
    with pytest.raises(DataError, match="no text"):
        SearchEngine(pl.DataFrame({"item_id": [1], "price": [2.0]}))
    engine = SearchEngine(pl.DataFrame({"item_id": [1], "title": ["Lamp"]}))
    assert engine.search("lamp").intent.guesses == {}
    assert found(engine, "lamp", k=10**9) == [1]


@pytest.fixture(scope="module")
def suggester() -> Suggester:
    return Suggester(ITEMS, np.array([5, 50, 1, 2, 3, 0]))


def suggested(suggester: Suggester, typed: str, **options: object) -> list[str]:
    return suggester.suggest(typed, **options)["text"].to_list()


def test_popular_completions_first(suggester: Suggester) -> None:
    assert suggested(suggester, "l") == ["Lights", "Garden lamps", "Red desk lamp"]
    assert suggested(suggester, "garden l") == ["Garden lamps"]
    assert suggested(suggester, "lamp ") == ["Red desk lamp"]
    assert suggested(suggester, "茶") == ["红色茶杯"]
    assert suggested(suggester, "", k=2) == ["Home", "Lights"]
    assert suggested(suggester, "xyzzy") == []
    kinds = suggester.suggest("l")["kind"].to_list()
    assert kinds == ["categories", "title", "title"]


def test_slips_of_the_finger_are_forgiven(suggester: Suggester) -> None:
    assert suggested(suggester, "gradne ch") == ["Garden chair"]
    assert suggested(suggester, "gardne") == ["Garden lamps", "Garden chair"]


def test_a_person_s_taste_comes_first() -> None:
    counts = WORLD.item_counts[1:].copy()
    suggester = Suggester(WORLD.items, counts)
    for taste in ("garden", "desk"):
        seeker = Seeker(MODEL, [f"{taste}-1", f"{taste}-2"])
        answer = suggested(suggester, "thing for the", seeker=seeker, slider=1.0, k=5)
        assert all(taste in text for text in answer)


def test_suggestions_refuse_bad_input(suggester: Suggester) -> None:
    with pytest.raises(InputError, match="at least 1"):
        suggester.suggest("a", 0)
    with pytest.raises(InputError, match="2 counts for 6"):
        Suggester(ITEMS, np.array([1, 2]))
    with pytest.raises(InputError, match="none of title"):
        Suggester(ITEMS.select("item_id"), np.zeros(6, int))
