from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.content.item_text import item_texts, text_fields, tidy
from foretaste.errors import DataError


def texts(**columns: list[object]) -> list[str]:
    return item_texts(pl.DataFrame(columns, strict=False)).to_list()


def test_fields_follow_one_another_in_the_order_of_the_schema():
    assert texts(
        description=["For nails"], categories=[["Beauty", "Nails"]], brand=["OPI"], title=["Polish"]
    ) == ["Polish. OPI. Beauty, Nails. For nails"]


def test_missing_parts_leave_no_trace():
    assert texts(
        title=["Polish", None, "", None],
        brand=[None, "OPI", "  ", None],
        categories=[["Nails", None], [], None, [None]],
    ) == ["Polish. Nails", "OPI", "", ""]


def test_a_field_that_ends_as_a_sentence_gets_no_second_stop():
    assert texts(title=["Really?", "Fine."], brand=["OPI", "OPI"]) == ["Really? OPI", "Fine. OPI"]


def test_nested_categories_are_named_once():
    paths = [["Beauty", "Makeup"], ["Beauty", "Nails"]]
    assert texts(categories=[paths, None]) == ["Beauty, Makeup, Nails", ""]


def test_numbers_and_categoricals_are_read_as_words():
    items = pl.DataFrame(
        {"year": [1999, None], "kind": pl.Series(["film", "book"], dtype=pl.Categorical)}
    )
    assert item_texts(items, ["kind", "year"]).to_list() == ["film. 1999", "book"]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Tom &amp; Jerry &#39;90 &quot;x&quot;", 'Tom & Jerry \'90 "x"'),
        ("one<br/>two<BR>three <p class='x'>four</p>", "one two three four"),
        ("I <3 you, 2 < 3 > 1 <heart>", "I <3 you, 2 < 3 > 1 <heart>"),
        (" tab\there\x00\u200b and\r\nthere\u00a0", "tab here and there"),
        ("💅 nail 漢字", "💅 nail 漢字"),
        (None, ""),
    ],
)
def test_tidy(raw: str | None, clean: str):
    assert tidy(pl.Series([raw], dtype=pl.String)).to_list() == [clean]


@given(st.lists(st.text(), max_size=5))
def test_tidy_leaves_no_control_characters_and_no_runs_of_blanks(raw: list[str]):
    for text in tidy(pl.Series(raw, dtype=pl.String)):
        assert not any(unicodedata.category(character) == "Cc" for character in text)
        assert "  " not in text
        assert text == text.strip(" ")


def test_a_named_field_that_is_missing_is_refused():
    with pytest.raises(DataError, match=r"'genre'.*found: item_id, title"):
        text_fields(pl.DataFrame({"item_id": [1], "title": ["x"]}), ["genre"])


def test_items_without_any_text_column_are_refused():
    with pytest.raises(DataError, match="no text") as caught:
        item_texts(pl.DataFrame({"item_id": [1], "genre": ["x"]}))
    assert caught.value.hint is not None
    assert "fields:" in caught.value.hint
