"""Retailrocket's shop as Arthur Fortes cut it: three files of views, carts and purchases.

Each is tab-separated with `visitorid`, `itemid` and `event`, which is 1 throughout; there are no
times. (Its README swaps the sizes of the cart and purchase files; the files have the right names.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from foretaste.data.problems import Findings
from foretaste.data.readers.delimited import read_delimited
from foretaste.data.readers.layout import Found, Reader, Source, Tables
from foretaste.data.readers.table import Table, numbered, same_lines
from foretaste.data.readers.values import with_ids
from foretaste.data.schema import EVENT_TYPE, ITEM_ID, USER_ID

#: Types of events, by the file that holds them, in the order in which a person goes.
_FILES: Final = {
    "view": "view_ecommerce.dat",
    "cart": "add_to_cart_ecommerce.dat",
    "purchase": "purchase_ecommerce.dat",
}
_NAMES: Final = {"visitorid": USER_ID, "itemid": ITEM_ID}


def find(source: Source) -> Found | None:
    """All three files."""
    files = [source.named(name) for name in _FILES.values()]
    return Found(files[0]) if files[0] is not None and all(files) else None


def read(found: Found, findings: Findings) -> Tables:
    """Reads the files one after the other."""
    beside = Source(found.events.parent)
    parts = [
        _read(path, kind, findings)
        for kind, name in _FILES.items()
        if (path := beside.named(name)) is not None
    ]
    frame = pl.concat([part.frame for part in parts])
    return Tables(Table(frame, numbered(frame), beside.path, same_lines, typed=False))


def _read(path: Path, kind: str, findings: Findings) -> Table:
    table = read_delimited(path, findings, separator="\t", quote=None)
    for name in _NAMES:
        if name not in table:
            raise table.error("there is no such column.", column=name)
    table = table.renamed(_NAMES)
    # Here, as the lines of its file are known here only.
    for column in _NAMES.values():
        table = with_ids(table, column, findings)
        table = table.set(column, table[column].cast(pl.String))
    return table.set(EVENT_TYPE, pl.lit(kind)).without("event")


READER = Reader(
    layout="retailrocket",
    looks_for=", ".join(_FILES.values()),
    find=find,
    read=read,
    needs_time=False,
)
