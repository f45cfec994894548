from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.serving.catalogue import changed_table, id_problem, problem_with

ITEMS = pl.DataFrame(
    {
        "item_id": [1, 2],
        "title": ["a", "b"],
        "price": [1.5, None],
        "stock": [True, False],
        "categories": [["x"], []],
        "pages": pl.Series([1, 2], dtype=pl.Int8),
    }
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
NAMES = st.sampled_from([*ITEMS.columns[1:], "colour", "size"])


@given(st.dictionaries(st.text(max_size=3), st.none() | st.dictionaries(NAMES, JSON), max_size=4))
def test_whatever_was_posted_becomes_rows_that_join_the_catalogue(
    changes: dict[str, dict[str, Any] | None],
) -> None:
    table = changed_table(changes, ITEMS)
    joined = pl.concat([ITEMS, table], how="diagonal")
    assert joined.schema.items() >= ITEMS.schema.items()
    there = {item for item, fields in changes.items() if fields is not None}
    assert {str(item) for item in table["item_id"]} <= there


def test_what_fits_is_kept_and_what_does_not_is_null() -> None:
    fields = {"title": "c", "price": 2, "stock": "yes", "categories": ["x", "y"], "pages": 1000}
    [row] = changed_table({"3": fields, "x": {"title": "d"}, "4": None}, ITEMS).to_dicts()
    assert row == {
        "item_id": 3,
        "title": "c",
        "price": 2.0,
        "stock": None,
        "categories": ["x", "y"],
        "pages": None,
    }


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"title": "c", "price": 2, "colour": "red", "tags": ["a"]}, None),
        ({"title": None}, None),
        ({"title": 3}, "title"),
        ({"price": True}, "price"),
        ({"price": "3"}, "price"),
        ({"stock": 1}, "stock"),
        ({"categories": "x"}, "categories"),
        ({"colour": {"r": 1}}, "colour"),
        ({"item_id": 3}, "item_id"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], wrong: str | None) -> None:
    found = problem_with(fields, ITEMS.schema)
    assert (None if found is None else found[0]) == wrong


def test_ids_are_of_the_catalogues_kind() -> None:
    assert id_problem("12", ITEMS.schema) is None
    assert "'x1' is no whole number" in str(id_problem("x1", ITEMS.schema))
