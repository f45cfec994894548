"""CSV exports for Amazon Personalize.

Interactions have `USER_ID, ITEM_ID, TIMESTAMP` and often `EVENT_TYPE, EVENT_VALUE`; items have
`ITEM_ID`, users `USER_ID`. Lists are separated by `|`, levels of categories stand in columns
`CATEGORY_L1`, `CATEGORY_L2` and so on.
See https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html
"""

from __future__ import annotations

import polars as pl

from foretaste.data.problems import Findings
from foretaste.data.readers.layout import Found, Reader, Source, Tables, first_with, read_table
from foretaste.data.readers.table import Table

_LEVELS = "CATEGORY_L"


def find(source: Source) -> Found | None:
    """CSV files known by their headers, in capitals."""
    files = source.ending(".csv")
    events = first_with(files, "USER_ID", "ITEM_ID", "TIMESTAMP")
    if events is None:
        return None
    others = [path for path in files if path != events]
    items = first_with(others, "ITEM_ID")
    users = first_with([path for path in others if path != items], "USER_ID")
    return Found(events, items, users)


def read(found: Found, findings: Findings) -> Tables:
    """Reads the exports; the levels of categories become one path."""
    return Tables(
        events=read_table(found.events, findings),
        items=None if found.items is None else _with_path(read_table(found.items, findings)),
        users=None if found.users is None else read_table(found.users, findings),
    )


def _with_path(items: Table) -> Table:
    levels = sorted(c for c in items.frame.columns if c.startswith(_LEVELS))
    if not levels:
        return items
    parts = [pl.col(level).str.split("|") for level in levels]
    return items.set("CATEGORIES", pl.concat_list(parts)).without(*levels)


READER = Reader(
    layout="personalize",
    looks_for="CSV with USER_ID, ITEM_ID and TIMESTAMP, in capitals",
    find=find,
    read=read,
)
