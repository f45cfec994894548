"""The plain layout: a table of events, and if there are any, tables of items and users."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from foretaste.data.problems import Findings
from foretaste.data.readers.layout import (
    FORMATS,
    Found,
    Reader,
    Source,
    Tables,
    read_table,
    stem_of,
)

EVENTS: Final = ("events", "interactions", "ratings", "feedback")
ITEMS: Final = ("items", "catalogue", "catalog", "products", "movies")
USERS: Final = ("users", "people", "customers")


def find(source: Source) -> Found | None:
    """A file named after events; or the only table there is, whatever its name."""
    items, users = _named(source, ITEMS), _named(source, USERS)
    others = [path for path in source.tables() if path not in (items, users)]
    if source.path.is_file():
        return Found(source.path) if source.tables() else None
    events = _named(source, EVENTS) or (others[0] if len(others) == 1 else None)
    return None if events is None else Found(events, items, users)


def read(found: Found, findings: Findings) -> Tables:
    """Reads whatever files there are; all columns are understood by name."""
    return Tables(
        events=read_table(found.events, findings),
        items=None if found.items is None else read_table(found.items, findings),
        users=None if found.users is None else read_table(found.users, findings),
    )


def _named(source: Source, names: tuple[str, ...]) -> Path | None:
    by_stem = {stem_of(path): path for path in reversed(source.tables())}
    return next((by_stem[name] for name in names if name in by_stem), None)


READER = Reader(
    layout="canonical",
    looks_for=f"{', '.join(EVENTS)} or a single table, in {' '.join(FORMATS)}",
    find=find,
    read=read,
)
