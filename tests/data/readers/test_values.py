"""Ids, numbers, texts and lists."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data.problems import Findings
from foretaste.data.readers.table import Table, numbered, same_lines
from foretaste.data.readers.values import (
    with_guessed_types,
    with_ids,
    with_lists,
    with_numbers,
    with_text,
)
from foretaste.errors import DataError

STRICT = Findings(strict=True)


def column(values: Any, *, typed: bool = False) -> Table:
    frame = pl.DataFrame({"x": values})
    return Table(frame, numbered(frame), Path("items.csv"), same_lines, typed=typed)


def listed(table: Table) -> list[Any]:
    return table["x"].to_list()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "20", "-3", "0"], [1, 20, -3, 0]),
        (["001", "2"], ["001", "2"]),
        (["1", "+2"], ["1", "+2"]),
        (["1", "2.0"], ["1", "2.0"]),
        (["-0", "1"], ["-0", "1"]),
        (["9" * 30, "1"], ["9" * 30, "1"]),
        (["1", "a"], ["1", "a"]),
        ([" 1", "2"], [" 1", "2"]),
    ],
)
def test_ids_are_numbers_only_if_all_are_written_plainly(values: Any, expected: Any) -> None:
    assert listed(with_ids(column(values), "x", STRICT)) == expected


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integer_ids_survive(ids: list[int]) -> None:
    assert listed(with_ids(column([str(i) for i in ids]), "x", STRICT)) == ids


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series(["1", "2"]), ["1", "2"]),
        (pl.Series([1.0, 2.0]), [1, 2]),
        (pl.Series(["b", "a"], dtype=pl.Categorical), ["b", "a"]),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), [str(2**64 - 1)]),
        (pl.Series([7], dtype=pl.Int8), [7]),
    ],
)
def test_ids_of_typed_formats_keep_their_kind(values: pl.Series, expected: Any) -> None:
    assert listed(with_ids(column(values, typed=True), "x", STRICT)) == expected


@pytest.mark.parametrize("values", [[1.5], [True], [[1]], [Decimal("1.5")], [b"x"]])
def test_what_can_be_no_id(values: list[object]) -> None:
    with pytest.raises(DataError, match="id"):
        with_ids(column(values, typed=True), "x", STRICT)


@pytest.mark.parametrize("values", [["1", None], [1.0, None], ["a", ""], ["a", "  "], [None, None]])
def test_missing_ids(values: list[object]) -> None:
    with pytest.raises(DataError, match="id is empty"):
        with_ids(column(values), "x", STRICT)
    lenient = Findings(strict=False)
    kept = with_ids(column(values), "x", lenient)
    assert len(kept) == 2 - lenient.problems[0].count


def test_numbers() -> None:
    assert listed(with_numbers(column(["1", "", " ", "2.5", "-1e3"]), "x", STRICT)) == [
        *(1.0, None, None, 2.5, -1000.0)
    ]
    assert listed(with_numbers(column([1, None]), "x", STRICT)) == [1.0, None]
    with pytest.raises(DataError, match="'12,50' is no number") as caught:
        with_numbers(column(["1", "12,50"]), "x", STRICT)
    assert caught.value.row == 2
    lenient = Findings(strict=False)
    assert listed(with_numbers(column(["1", "nan", "", "x"]), "x", lenient)) == [1.0, None]
    assert lenient.problems[0].count == 2
    with pytest.raises(DataError, match="not numbers"):
        with_numbers(column([[1]]), "x", STRICT)


def test_text() -> None:
    assert listed(with_text(column(["a", "", None, " b "]), "x")) == ["a", None, None, " b "]
    assert listed(with_text(column([["a", "b"], []]), "x")) == ["a b", None]
    assert listed(with_text(column([1, 2]), "x")) == ["1", "2"]
    with pytest.raises(DataError, match="not text"):
        with_text(column([{"a": 1}]), "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Action|Sci-Fi", ["Action", "Sci-Fi"]),
        (" Action | | Action ", ["Action"]),
        ("Beauty & Care, home", ["Beauty & Care, home"]),
        ('["Beauty", "Nail \\"art\\""]', ["Beauty", 'Nail "art"']),
        ('[["Beauty", "Nails"], ["Beauty", "Gifts"]]', ["Beauty", "Nails", "Gifts"]),
        ("[Sale] Nails", ["[Sale] Nails"]),
        ("[1, null, 2]", ["1", "2"]),
        ("[" * 100_000, ["[" * 100_000]),
        ("[]", None),
        ("", None),
        (None, None),
    ],
)
def test_lists_from_text(value: str | None, expected: list[str] | None) -> None:
    values = pl.Series([value, "x"], dtype=pl.String)
    assert listed(with_lists(column(values), "x")) == [expected, ["x"]]


def test_lists_from_lists() -> None:
    assert listed(with_lists(column([["a", "", "a"], [], None]), "x")) == [["a"], None, None]
    nested = [[["Beauty", "Nails"], ["Beauty", "Gifts"]], [[]], None]
    assert listed(with_lists(column(nested), "x")) == [["Beauty", "Nails", "Gifts"], None, None]
    assert listed(with_lists(column([None, None]), "x")) == [None, None]
    with pytest.raises(DataError, match="not a list"):
        with_lists(column([{"a": 1}]), "x")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "", "-2"], [1, None, -2]),
        (["1", "2.5"], [1.0, 2.5]),
        (["01", "2"], ["01", "2"]),
        (["1e5", "2"], ["1e5", "2"]),
        (["nan", "2"], ["nan", "2"]),
        (["", ""], [None, None]),
    ],
)
def test_guessed_types(values: list[str], expected: list[object]) -> None:
    assert listed(with_guessed_types(column(values), ["x"])) == expected
    assert listed(with_guessed_types(column(values, typed=True), ["x"])) == values
