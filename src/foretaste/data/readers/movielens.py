"""MovieLens 1M (`ratings.dat`) and 100k (`u.data`), as GroupLens publishes them.

Both are in Latin-1. Newer MovieLens sets (`ratings.csv`, `movies.csv`) are canonical.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from foretaste.data.problems import Findings
from foretaste.data.readers.delimited import read_delimited
from foretaste.data.readers.layout import Found, Reader, Source, Tables
from foretaste.data.readers.table import Table
from foretaste.data.schema import EVENT_VALUE, ITEM_ID, TIMESTAMP, USER_ID

_EVENTS: Final = (USER_ID, ITEM_ID, EVENT_VALUE, TIMESTAMP)
_GENRES: Final = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


def find_1m(source: Source) -> Found | None:
    """`ratings.dat`, `movies.dat` and `users.dat`."""
    events = source.named("ratings.dat")
    if events is None:
        return None
    return Found(events, source.named("movies.dat"), source.named("users.dat"))


def read_1m(found: Found, findings: Findings) -> Tables:
    """Reads the `::`-separated files."""

    def table(path: Path, *names: str) -> Table:
        return read_delimited(
            path, findings, separator="::", names=names, quote=None, encoding="latin-1"
        )

    return Tables(
        events=table(found.events, *_EVENTS),
        items=found.items and table(found.items, ITEM_ID, "title", "categories"),
        users=found.users
        and table(found.users, USER_ID, "gender", "age", "occupation", "zip_code"),
    )


def find_100k(source: Source) -> Found | None:
    """`u.data`, `u.item` and `u.user`."""
    events = source.named("u.data")
    return events and Found(events, source.named("u.item"), source.named("u.user"))


def read_100k(found: Found, findings: Findings) -> Tables:
    """Reads the tab- and `|`-separated files; the flags of genres become categories."""

    def table(path: Path, separator: str, *names: str) -> Table:
        return read_delimited(
            path, findings, separator=separator, names=names, quote=None, encoding="latin-1"
        )

    return Tables(
        events=table(found.events, "\t", *_EVENTS),
        items=found.items
        and _with_genres(
            table(found.items, "|", ITEM_ID, "title", "released", "on_video", "url", *_GENRES)
        ),
        users=found.users
        and table(found.users, "|", USER_ID, "age", "gender", "occupation", "zip_code"),
    )


def _with_genres(items: Table) -> Table:
    flagged = [pl.when(pl.col(genre) == "1").then(pl.lit(genre)) for genre in _GENRES]
    categories = pl.concat_list(flagged).list.drop_nulls()
    return items.set("categories", categories).without(*_GENRES)


MOVIELENS_1M = Reader(
    layout="movielens-1m",
    looks_for="ratings.dat",
    find=find_1m,
    read=read_1m,
)
MOVIELENS_100K = Reader(
    layout="movielens-100k",
    looks_for="u.data",
    find=find_100k,
    read=read_100k,
)
