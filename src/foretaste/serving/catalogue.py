"""Items as they come over the wire, as rows of the run's catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from foretaste.data.schema import ITEM_ID
from foretaste.serving.store.base import Fields

_PLAIN = (str, int, float, bool)


def id_problem(item_id: str, schema: Mapping[str, pl.DataType]) -> str | None:
    """What is wrong with an item's id, in a sentence; None where nothing is."""
    dtype = schema[ITEM_ID]
    if pl.Series([item_id]).cast(dtype, strict=False).null_count():
        return f"{item_id!r} is no {_said(dtype)}, as ids are here."
    return None


def problem_with(fields: Fields, schema: Mapping[str, pl.DataType]) -> tuple[str, str] | None:
    """What is wrong with an item's fields, as a field and a sentence; None where nothing is.

    Args:
        fields: By name, without the id; what the catalogue lacks must be plain or a list of words.
        schema: Columns of the catalogue and their types.
    """
    for name, value in fields.items():
        if value is None:
            continue
        dtype = schema.get(name)
        if name == ITEM_ID:
            return name, "the id stands beside the fields, not among them."
        if dtype is None or dtype == pl.Null:
            if not isinstance(value, _PLAIN) and not _is_words(value):
                return name, "a field is a text, a number, true or false, or a list of texts."
        elif not _fits(value, dtype):
            return name, f"{value!r} is no {_said(dtype)}, which this field of the catalogue holds."
    return None


def changed_table(changes: Mapping[str, Fields | None], items: pl.DataFrame) -> pl.DataFrame:
    """The items that were added or changed, as rows under the catalogue's columns and new ones.

    Args:
        changes: Fields by id; None for what was withdrawn, which gives no row.
        items: The catalogue so far; what has ids of another type is passed over: it was posted
            to a service of another run.
    """
    dtype = items.schema[ITEM_ID]
    there = {item: fields for item, fields in changes.items() if fields is not None}
    written = pl.Series(ITEM_ID, list(there), dtype=pl.String)
    keys = written.cast(dtype, strict=False)
    rows = [there[item] for item in written.filter(keys.is_not_null())]
    keys = keys.drop_nulls()
    names = dict.fromkeys([*items.columns, *(name for row in rows for name in row)])
    columns = [keys]
    for name in names:
        if name == ITEM_ID:
            continue
        columns.append(column_of(name, [row.get(name) for row in rows], items.schema.get(name)))
    return pl.DataFrame(columns)


def column_of(name: str, values: list[Any], dtype: pl.DataType | None = None) -> pl.Series:
    """Values as a known column has them; without one, as what they are or, where mixed, as text.

    What does not fit is null: it was posted to a service of another catalogue.
    """
    if dtype is not None and dtype != pl.Null:
        fitting = [value if value is not None and _fits(value, dtype) else None for value in values]
        return pl.Series(name, fitting, dtype=dtype, strict=False)
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        texts = [None if value is None else str(value) for value in values]
        return pl.Series(name, texts, dtype=pl.String)


def _fits(value: Any, dtype: Any) -> bool:
    if isinstance(dtype, pl.List):
        return isinstance(value, list) and all(_fits(one, dtype.inner) for one in value)
    if isinstance(value, bool) or dtype == pl.Boolean:
        return isinstance(value, bool) and dtype == pl.Boolean
    if dtype.is_numeric():
        return isinstance(value, int if dtype.is_integer() else (int, float))
    return dtype == pl.String and isinstance(value, str)


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _said(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return "true or false"
    if dtype.is_integer():
        return "whole number"
    if dtype.is_numeric():
        return "number"
    return "text" if dtype == pl.String else "list"
