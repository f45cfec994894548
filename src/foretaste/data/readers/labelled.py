"""Click tasks as papers publish them: rows with a label, divided in time into three files.

`train.csv`, `valid.csv` and `test.csv` with `uid, iid, label, timestamp` and perhaps `title`, as
the ML-1M task of CoLLM (Zhang et al., 2023; https://github.com/zyang1580/CoLLM).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from foretaste.data.problems import Findings
from foretaste.data.readers.delimited import read_delimited
from foretaste.data.readers.layout import Found, Reader, Source, Tables, columns_of
from foretaste.data.readers.table import Table
from foretaste.data.readers.values import with_ids
from foretaste.data.schema import EVENT_VALUE, ITEM_ID, LABEL, PART, TIMESTAMP, USER_ID

_PARTS: Final = {"train": "train.csv", "validation": "valid.csv", "test": "test.csv"}
_NAMES: Final = {"uid": USER_ID, "iid": ITEM_ID, "orig_rating": EVENT_VALUE}
_NEEDED: Final = ("uid", "iid", LABEL, TIMESTAMP)
_ITEM: Final = ("title",)

#: Titles of films end with their year.
_YEAR: Final = pl.col("title").str.extract(r"\((\d{4})\)\s*$").cast(pl.Int64).alias("year")


def find(source: Source) -> Found | None:
    """The three files; the first stands for all."""
    files = [source.named(name) for name in _PARTS.values()]
    if None in files or files[0] is None or not set(_NEEDED) <= set(columns_of(files[0])):
        return None
    return Found(files[0], files[0])


def read(found: Found, findings: Findings) -> Tables:
    """Reads the files one after the other; the column `part` says from which a row is."""
    source = Source(found.events.parent)
    tables = [
        _read_part(path, part, findings)
        for part, name in _PARTS.items()
        if (path := source.named(name)) is not None
    ]
    whole = _together(tables)
    shown = [column for column in _ITEM if column in whole]
    items = whole.frame.select(ITEM_ID, *shown).unique(ITEM_ID, keep="first", maintain_order=True)
    if shown:
        items = items.with_columns(_YEAR)
    return Tables(
        events=whole.without(*shown),
        items=replace(whole, frame=items, records=whole.records.head(len(items))),
    )


def _read_part(path: Path, part: str, findings: Findings) -> Table:
    """One file, its ids and labels looked through while its lines are still known."""
    table = read_delimited(path, findings, separator=",")
    for column in _NEEDED:
        if column not in table:
            raise table.error("there is no such column.", column=column)
    names = {old: new for old, new in _NAMES.items() if old in table}
    table = table.renamed(names)
    unused = [c for c in table.frame.columns if c.startswith("orig_") or c == "not_cold"]
    table = table.without(*unused).refuse(
        ~table[LABEL].is_in(["0", "1"]), "{value} is neither 0 nor 1.", findings, column=LABEL
    )
    for column in (USER_ID, ITEM_ID):
        table = with_ids(table, column, findings)
    return table.set(PART, pl.lit(part))


def _together(tables: list[Table]) -> Table:
    """The rows of all files; what is wrong with them from here on is told of the first."""
    ids = {column: _common(tables, column) for column in (USER_ID, ITEM_ID)}
    frames = [
        table.frame.with_columns(pl.col(c).cast(t) for c, t in ids.items()) for table in tables
    ]
    frame = pl.concat(frames, how="diagonal")
    records = pl.concat([table.records for table in tables])
    return replace(tables[0], frame=frame, records=records)


def _common(tables: list[Table], column: str) -> pl.DataType:
    """The type of ids that all tables can have."""
    kinds = {table[column].dtype for table in tables}
    return kinds.pop() if len(kinds) == 1 else pl.String()


READER = Reader(
    layout="labelled",
    looks_for="train.csv, valid.csv and test.csv with uid, iid, label and timestamp",
    find=find,
    read=read,
)
