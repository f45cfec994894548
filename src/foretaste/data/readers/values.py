"""The values of canonical columns: ids, numbers, texts and lists, whatever they are written as."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import cast

import polars as pl

from foretaste.data.problems import Findings
from foretaste.data.readers.table import Table

#: A number the plain way. "007" and "1e5" are as likely codes as numbers, and stay text.
_PLAIN_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?$"


def with_ids(table: Table, column: str, findings: Findings) -> Table:
    """Makes a column ids: int64 if all of them are whole numbers written the plain way, else text.

    Raises:
        DataError: The column holds something other than text and whole numbers, or, if findings
            are strict, an id is missing.
    """
    values = _ids(table, column)
    missing = values.is_null()
    if values.dtype == pl.String:
        missing |= values.str.strip_chars() == ""
    table = table.set(column, values).refuse(
        missing,
        "the id is empty.",
        findings,
        column=column,
        hint="Give every row an id, or be lenient to skip such rows.",
    )
    # A text file does not say which of its ids are numbers; other formats do.
    if not table.typed:
        table = table.set(column, _integers_if_plain(table[column]))
    return table


def with_numbers(table: Table, column: str, findings: Findings) -> Table:
    """Makes a column float64, with null where nothing is written.

    Raises:
        DataError: The column holds something other than numbers and text, or, if findings are
            strict, a text is no number.
    """
    values = _blank_as_null(table[column])
    if values.dtype.is_nested() or values.dtype.is_temporal() or values.dtype == pl.Binary:
        raise table.error(f"it holds {values.dtype}, not numbers.", column=column)
    numbers = values.cast(pl.Float64, strict=False)
    bad = values.is_not_null() & ~numbers.is_finite().fill_null(value=False)
    return (
        table.set(column, values)
        .refuse(bad, "{value} is no number.", findings, column=column)
        .set(column, numbers.filter(~bad))
    )


def with_text(table: Table, column: str) -> Table:
    """Makes a column text, with null where nothing is written; lists of texts are joined.

    Raises:
        DataError: The column holds something that can't be text.
    """
    values = table[column]
    if values.dtype == pl.List(pl.String):
        values = values.list.join(" ", ignore_nulls=True)
    elif values.dtype.is_nested() or values.dtype == pl.Binary:
        raise table.error(f"it holds {values.dtype}, not text.", column=column)
    return table.set(column, _blank_as_null(values.cast(pl.String)))


def with_lists(table: Table, column: str) -> Table:
    """Makes a column lists of texts; an empty list becomes null.

    Text may be a JSON list, a JSON list of lists (several paths in a tree, joined into one), or
    values separated by `|`.

    Raises:
        DataError: The column holds something that can't be a list of texts.
    """
    values = table[column]
    if values.dtype == pl.List(pl.List(pl.String)):
        values = values.list.eval(pl.element().explode())
    if values.dtype == pl.Null:
        values = values.cast(pl.List(pl.String))
    if values.dtype == pl.List(pl.String):
        lists = values.list.eval(pl.element().filter(pl.element().str.strip_chars() != ""))
        lists = lists.list.unique(maintain_order=True)
    elif values.dtype.is_nested() or values.dtype == pl.Binary:
        raise table.error(f"it holds {values.dtype}, not a list of texts.", column=column)
    else:
        lists = _mapped(values.cast(pl.String), lambda text: _parts(text, "|"))
    return table.set(column, pl.select(pl.when(lists.list.len() > 0).then(lists)).to_series())


def joined(values: pl.Series) -> pl.Series:
    """Texts, with every JSON list among them joined by spaces."""
    lists = _mapped(values, lambda text: _parts(text, None))
    return lists.list.join(" ").alias(values.name)


def with_guessed_types(table: Table, columns: Iterable[str]) -> Table:
    """Gives columns of a text file numbers where all that is written are plain numbers."""
    if table.typed:
        return table
    for column in columns:
        if table[column].dtype == pl.String:
            table = table.set(column, _guessed(table[column]))
    return table


def _ids(table: Table, column: str) -> pl.Series:
    values = table[column]
    if isinstance(values.dtype, pl.Categorical | pl.Enum) or values.dtype == pl.Null:
        return values.cast(pl.String)
    if values.dtype.is_float():
        # Data frames turn whole numbers into floats as soon as one of them is missing.
        whole = values.cast(pl.Int64, strict=False)
        if not (whole.cast(pl.Float64) == values.fill_nan(None)).all():
            raise table.error(
                "it holds numbers with fractions, which are no ids.",
                column=column,
                hint="Write ids as text or whole numbers.",
            )
        return whole
    if values.dtype.is_integer():
        whole = values.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == values.null_count() else values.cast(pl.String)
    if values.dtype != pl.String:
        raise table.error(
            f"it holds {values.dtype}, which can't be an id.",
            column=column,
            hint="Write ids as text or whole numbers.",
        )
    return values


def _integers_if_plain(values: pl.Series) -> pl.Series:
    if values.dtype != pl.String:
        return values
    numbers = values.cast(pl.Int64, strict=False)
    if numbers.null_count() > values.null_count():
        return values
    return numbers if (numbers.cast(pl.String) == values).all() else values


def _guessed(values: pl.Series) -> pl.Series:
    filled = _blank_as_null(values)
    if filled.null_count() == len(filled) or not filled.str.contains(_PLAIN_NUMBER).all():
        return filled
    integers = filled.cast(pl.Int64, strict=False)
    if integers.null_count() == filled.null_count():
        return integers
    return filled.cast(pl.Float64)


def _blank_as_null(values: pl.Series) -> pl.Series:
    if values.dtype != pl.String:
        return values
    return pl.select(pl.when(values.str.strip_chars() != "").then(values)).to_series()


def _mapped(values: pl.Series, parts: Callable[[str], list[str]]) -> pl.Series:
    """`parts` of every distinct text, once each: there are few categories in many rows."""
    distinct = values.drop_nulls().unique()
    lists = pl.Series("lists", [parts(text) for text in distinct], dtype=pl.List(pl.String))
    lookup = pl.DataFrame([distinct.alias("text"), lists])
    wanted = values.alias("text").to_frame()
    return wanted.join(lookup, on="text", how="left", maintain_order="left")["lists"]


def _parts(text: str, separator: str | None) -> list[str]:
    """The texts in a JSON list, nested or not; else the parts between separators."""
    if text.lstrip().startswith("["):
        try:
            return list(dict.fromkeys(_leaves(json.loads(text))))
        except (ValueError, RecursionError):
            pass  # Text that happens to begin with a bracket.
    parts = text.split(separator) if separator else [text]
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _leaves(value: object) -> Iterable[str]:
    if isinstance(value, list):
        for part in cast("list[object]", value):
            yield from _leaves(part)
    elif value is not None and str(value).strip():
        yield str(value).strip()
