"""Amazon Reviews as McAuley's laboratory publishes them: reviews and metadata in JSON Lines.

The edition of 2018 has `reviewerID, asin, overall, unixReviewTime` (seconds), that of 2023
`user_id, parent_asin, asin, rating, timestamp` (milliseconds). Metadata files begin with `meta_`.
See https://amazon-reviews-2023.github.io and https://nijianmo.github.io/amazon
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from foretaste.data.problems import Findings, counted
from foretaste.data.readers.json_lines import read_json_lines
from foretaste.data.readers.layout import Found, Reader, Source, Tables, first_with
from foretaste.data.readers.table import Table
from foretaste.data.readers.values import joined
from foretaste.data.schema import EVENT_VALUE, ITEM_ID, TIMESTAMP, USER_ID

_REVIEWS_2018: Final = {
    "reviewerID": USER_ID,
    "asin": ITEM_ID,
    "overall": EVENT_VALUE,
    "unixReviewTime": TIMESTAMP,
    "verified": "verified_purchase",
}
_REVIEWS_2023: Final = {
    "user_id": USER_ID,
    "parent_asin": ITEM_ID,
    "rating": EVENT_VALUE,
    "timestamp": TIMESTAMP,
    "asin": "asin",
    "verified_purchase": "verified_purchase",
}
#: Fields of both editions, in the order in which one stands in for another.
_META: Final = {
    ITEM_ID: ("parent_asin", "asin"),
    "title": ("title",),
    "description": ("description",),
    "features": ("features", "feature"),
    "brand": ("brand", "store"),
    "categories": ("categories", "category"),
    "main_category": ("main_category", "main_cat"),
    "price": ("price",),
}
_NOTHING: Final = ("", "[]", "None")

#: Prices are written "$12.99", "$5 - $9" or, where a page was misread, as fragments of HTML.
_PRICE: Final = pl.col("price").str.replace_all(",", "").str.extract(r"^\$?\s*(\d+(?:\.\d+)?)")


def find(source: Source) -> Found | None:
    """Reviews known by the fields of their first object, metadata by its name or fields."""
    files = source.ending(".json", ".jsonl", ".ndjson")
    events = first_with(files, "reviewerID", "asin", "unixReviewTime") or first_with(
        files, "user_id", "parent_asin", "timestamp"
    )
    if events is None:
        return None
    others = [path for path in files if path != events]
    named = next((path for path in others if path.name.lower().startswith("meta")), None)
    items = named or first_with(others, "asin", "title") or first_with(others, "parent_asin")
    return Found(events, items)


def read(found: Found, findings: Findings) -> Tables:
    """Reads ratings and metadata; the texts of reviews are left out."""
    return Tables(
        events=_read_reviews(found.events, findings),
        items=None if found.items is None else _read_meta(found.items, findings),
    )


def _read_reviews(path: Path, findings: Findings) -> Table:
    fields = list(dict.fromkeys([*_REVIEWS_2018, *_REVIEWS_2023]))
    table = read_json_lines(path, findings, fields=fields)
    is_2018 = table["reviewerID"].null_count() < len(table)
    names = _REVIEWS_2018 if is_2018 else _REVIEWS_2023
    findings.note("The texts of reviews were left out; ratings and times were read.")
    table = table.without(*(field for field in fields if field not in names))
    return table.renamed({old: new for old, new in names.items() if old != new})


def _read_meta(path: Path, findings: Findings) -> Table:
    fields = list(dict.fromkeys(field for names in _META.values() for field in names))
    table = read_json_lines(path, findings, fields=fields)
    filled = table.frame.with_columns(pl.all().replace(_NOTHING, None))
    present = {
        canonical: [name for name in names if filled[name].null_count() < len(filled)]
        for canonical, names in _META.items()
    }
    items = filled.select(
        pl.coalesce(names).alias(canonical) for canonical, names in present.items() if names
    )
    for column in {"description", "features"} & set(items.columns):
        items = items.with_columns(joined(items[column]))
    if "price" in items.columns:
        items = items.with_columns(_PRICE)
    original = {canonical: " or ".join(names) for canonical, names in present.items()}
    return _first_of_each(replace(table, frame=items, original=original), findings)


def _first_of_each(items: Table, findings: Findings) -> Table:
    """Published metadata lists some items twice, the same each time."""
    if ITEM_ID not in items:
        return items
    again = items[ITEM_ID].is_not_null() & ~items[ITEM_ID].is_first_distinct()
    if again.any():
        rows = counted(int(again.sum()), "row")
        findings.note(f"Left out {rows} of {items.file.name}: their items came before.")
    return items.keep(~again)


READER = Reader(
    layout="amazon-reviews",
    looks_for="JSON Lines with reviewerID, asin and unixReviewTime, or parent_asin and timestamp",
    find=find,
    read=read,
)
