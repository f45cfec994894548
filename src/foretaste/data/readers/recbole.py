"""RecBole's atomic files: tab-separated, headers of the form `name:type`.

Types are `token`, `token_seq`, `float` and `float_seq`; the values of a sequence are separated by
spaces. See https://recbole.io/docs/user_guide/data/atomic_files.html
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from foretaste.data.problems import Findings
from foretaste.data.readers.columns import TITLES, key_of
from foretaste.data.readers.delimited import read_delimited
from foretaste.data.readers.layout import Found, Reader, Source, Tables
from foretaste.data.readers.table import Table
from foretaste.errors import DataError

#: Written here as sequences of words, but text for all that.
_TEXT = {*map(key_of, TITLES), "description", "brand"}

#: RecBole's own name for the genres of MovieLens.
_RENAMED = {"class": "categories"}


def find(source: Source) -> Found | None:
    """One `.inter` file, and the `.item` and `.user` files beside it."""
    events = source.ending(".inter")
    if not events:
        return None
    if len(events) > 1:
        names = ", ".join(path.name for path in events)
        raise DataError(
            f"there are several .inter files: {names}.",
            file=source.path,
            hint="Keep one, with all the events; Foretaste splits them itself.",
        )
    items, users = source.ending(".item"), source.ending(".user")
    return Found(events[0], items[0] if items else None, users[0] if users else None)


def read(found: Found, findings: Findings) -> Tables:
    """Reads the atomic files."""
    return Tables(
        events=_read(found.events, findings),
        items=None if found.items is None else _read(found.items, findings),
        users=None if found.users is None else _read(found.users, findings),
    )


def _read(path: Path, findings: Findings) -> Table:
    table = read_delimited(path, findings, separator="\t", quote=None)
    names: dict[str, str] = {}
    for header in table.frame.columns:
        name, _, kind = header.partition(":")
        if kind not in ("token", "token_seq", "float", "float_seq"):
            raise DataError(
                "a header of an atomic file says name:type.",
                file=path,
                row=1,
                field=header,
                hint="Types are token, token_seq, float and float_seq.",
            )
        name = _RENAMED.get(name, name)
        if name in names.values():
            raise DataError(f"two columns have the name '{name}'.", file=path, row=1, field=header)
        names[header] = name
        if kind.endswith("_seq") and key_of(name) not in _TEXT:
            table = table.set(header, _sequence(header, kind))
    return table.renamed(names)


def _sequence(header: str, kind: str) -> pl.Expr:
    parts = pl.col(header).str.split(" ").list.eval(pl.element().filter(pl.element() != ""))
    return parts.cast(pl.List(pl.Float64), strict=False) if kind == "float_seq" else parts


READER = Reader(
    layout="recbole",
    looks_for="one .inter file",
    find=find,
    read=read,
    needs_time=False,
)
