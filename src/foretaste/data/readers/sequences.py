"""Files of lines `user item item …`, items in the order of time."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from foretaste.data.problems import Findings, counted
from foretaste.data.readers.canonical import ITEMS, USERS
from foretaste.data.readers.layout import (
    Found,
    Reader,
    Source,
    Tables,
    beginning,
    read_table,
    stem_of,
)
from foretaste.data.readers.raw import REPLACEMENT, not_utf8, read_bytes
from foretaste.data.readers.table import Table, same_lines
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID

_LINE = "line"
_PEEK_LINES = 200


def find(source: Source) -> Found | None:
    """The one text file that holds sequences, and tables of items and users beside it."""
    events = [path for path in source.ending(".txt") if _holds_sequences(path)]
    if len(events) != 1:
        return None
    by_stem = {stem_of(path): path for path in reversed(source.tables())}
    items, users = (
        next((by_stem[name] for name in names if name in by_stem), None) for names in (ITEMS, USERS)
    )
    return Found(events[0], items, users)


def read(found: Found, findings: Findings) -> Tables:
    """Reads the sequences; the place in its user's sequence becomes an event's timestamp."""
    return Tables(
        events=_read_sequences(found.events, findings),
        items=None if found.items is None else read_table(found.items, findings),
        users=None if found.users is None else read_table(found.users, findings),
        clock="order",
    )


def _holds_sequences(path: Path) -> bool:
    """Whether lines differ in length, as sequences do and tables do not; or the name says so."""
    lines = beginning(path).decode(errors="replace").splitlines()[:_PEEK_LINES]
    lengths = {len(line.split()) for line in lines[: _PEEK_LINES - 1] if line.strip()}
    return len(lengths) > 1 or (bool(lengths) and stem_of(path).startswith("sequen"))


def _read_sequences(path: Path, findings: Findings) -> Table:
    content = read_bytes(path)
    bad_bytes = not_utf8(content, path)
    if bad_bytes is not None:
        findings.problem(bad_bytes)
    text = pl.Series("text", content.decode(errors="replace").split("\n"))
    parts = (
        pl.DataFrame({"text": text})
        .with_row_index(_LINE, offset=1)
        .filter(pl.lit(bad_bytes is None) | ~pl.col("text").str.contains(REPLACEMENT, literal=True))
        .with_columns(pl.col("text").str.extract_all(r"\S+"))
        .filter(pl.col("text").list.len() > 0)
    )
    alone = parts.filter(pl.col("text").list.len() == 1)
    if not alone.is_empty():
        findings.note(
            f"Left out {counted(len(alone), 'user')} without items from {path.name} (line "
            f"{alone[_LINE][0]} is the first)."
        )
    events = (
        parts.select(
            _LINE,
            pl.col("text").list.first().alias(USER_ID),
            pl.col("text").list.slice(1).alias(ITEM_ID),
        )
        .explode(ITEM_ID)
        .drop_nulls(ITEM_ID)
        .with_columns(pl.int_range(pl.len()).over(USER_ID).alias(TIMESTAMP))
    )
    return Table(events.drop(_LINE), events[_LINE], path, same_lines, typed=False)


READER = Reader(
    layout="sequences",
    looks_for="one .txt file of lines 'user item item …'",
    find=find,
    read=read,
)
