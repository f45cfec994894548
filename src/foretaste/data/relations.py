"""What is known of how items belong together: a table of triples (head, relation, tail)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from foretaste.data.problems import Findings
from foretaste.data.readers.layout import read_table
from foretaste.data.schema import ITEM_ID
from foretaste.errors import DataError

HEAD, RELATION, TAIL = "head", "relation", "tail"
TRIPLE: Final = (HEAD, RELATION, TAIL)


def read_relations(path: str | Path) -> pl.DataFrame:
    """Reads a table of triples from a CSV, TSV, JSON Lines or Parquet file.

    A head is the id of an item, or what is a tail elsewhere (a category of a larger one); a
    relation is any name ("brand", "goes with"); a tail is an item or anything else by its name.

    Returns:
        Columns `head`, `relation`, `tail`, strings, each triple once.

    Raises:
        DataError: The file can't be read, a column is missing or a value is.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("there is no such file.", file=path)
    table = read_table(path, Findings(strict=True))
    for column in TRIPLE:
        if column not in table:
            raise DataError(
                f"the relations have no column '{column}' (found: "
                f"{', '.join(table.frame.columns)}).",
                file=path,
                field=column,
                hint="Every row is a triple: head, relation, tail.",
            )
        values = table[column].cast(pl.String)
        missing = (values.is_null() | (values.str.strip_chars() == "")).arg_true()
        if len(missing):
            record = int(table.records[int(missing[0])])
            row = table.lines_of([record])[0]
            raise DataError(
                f"{len(missing)} triples have no {column}.", file=path, row=row, field=column
            )
    return _triples(table.frame)


def relations_of(items: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Triples from columns of the catalogue: every value is a tail, the column the relation.

    Args:
        items: The items table.
        columns: Such as "brand" and "categories"; values or lists of values, nulls say nothing.

    Raises:
        DataError: A column is missing.
    """
    parts: list[pl.DataFrame] = []
    for column in columns:
        if column not in items.columns:
            raise DataError(
                f"the items have no such column (found: {', '.join(items.columns)}).", field=column
            )
        values = items.select(head=ITEM_ID, relation=pl.lit(column), tail=column)
        while isinstance(values[TAIL].dtype, pl.List):
            values = values.explode(TAIL)
        parts.append(_triples(values.drop_nulls(TAIL)))
    return pl.concat(parts) if parts else pl.DataFrame(schema=dict.fromkeys(TRIPLE, pl.String))


def with_relations(items: pl.DataFrame, relations: pl.DataFrame) -> pl.DataFrame:
    """The items with a column of lists for every relation, for rules and for encoders of text.

    With triples ("i1", "goes with", "i7") and ("i1", "scent", "rose"), rules can say
    ``INCLUDE item WHERE scent = "rose"``, and ``TextEncoder(fields=["title", "scent"])`` reads
    it. A tail that is an item with a title is named by that.

    Args:
        items: The items table.
        relations: Triples, as `read_relations` gives them. Where a relation has the name of a
            column that is there already, the column stays as it is.
    """
    ids = items.select(pl.col(ITEM_ID).cast(pl.String).alias(HEAD))
    named = relations.filter(~pl.col(RELATION).is_in(items.columns))
    if "title" in items.columns:
        titles = ids.with_columns(title=items["title"].cast(pl.String)).drop_nulls()
        named = (
            named.join(titles, left_on=TAIL, right_on=HEAD, how="left", maintain_order="left")
            .with_columns(tail=pl.coalesce("title", TAIL))
            .drop("title")
        )
    for [name], triples in named.group_by(RELATION, maintain_order=True):
        lists = triples.group_by(HEAD, maintain_order=True).agg(pl.col(TAIL).alias(str(name)))
        column = ids.join(lists, on=HEAD, how="left", maintain_order="left")[str(name)]
        items = items.with_columns(column)
    return items


def _triples(table: pl.DataFrame) -> pl.DataFrame:
    strings = [pl.col(column).cast(pl.String).str.strip_chars() for column in TRIPLE]
    return table.select(strings).unique(maintain_order=True)
