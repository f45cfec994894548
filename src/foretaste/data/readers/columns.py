"""Which column of a file is which: names, what they are also called, and what is ambiguous."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from foretaste.data.readers.table import Table
from foretaste.data.schema import (
    EVENT_TYPE,
    EVENT_VALUE,
    ITEM_ID,
    RECOMMENDATION_ID,
    SESSION_ID,
    TIMESTAMP,
    USER_ID,
)

TableName = Literal["events", "items", "users"]

TITLES: Final = (
    *("title", "name", "item_name", "item_title", "product_name", "product_title", "movie_title"),
    "headline",
)
_USER_IDS: Final = (
    *("user", "uid", "customer_id", "customer", "visitor_id", "visitor", "member_id"),
    *("account_id", "profile_id", "person_id", "reviewer_id"),
)
_ITEM_IDS: Final = (
    *("item", "iid", "product_id", "product", "movie_id", "article_id", "asin", "sku"),
    *("track_id", "book_id", "content_id"),
)

#: What canonical columns are also called, per table. Case and punctuation do not matter.
SYNONYMS: Final[Mapping[TableName, Mapping[str, tuple[str, ...]]]] = {
    "events": {
        USER_ID: _USER_IDS,
        ITEM_ID: _ITEM_IDS,
        TIMESTAMP: (
            *("ts", "time", "date", "datetime", "date_time", "event_time", "event_timestamp"),
            *("created_at", "unix_time"),
        ),
        EVENT_TYPE: (
            *("event", "action", "action_type", "behavior", "behaviour", "behavior_type"),
            *("behaviour_type", "interaction_type", "feedback_type"),
        ),
        EVENT_VALUE: ("rating", "value", "overall", "stars"),
        SESSION_ID: ("session",),
        RECOMMENDATION_ID: (),
    },
    "items": {
        ITEM_ID: ("id", *_ITEM_IDS),
        "title": TITLES[1:],
        "description": ("desc", "text", "item_description", "product_description"),
        "brand": ("manufacturer", "brand_name"),
        "categories": ("category", "genres", "genre", "category_path", "categories_json"),
        "price": ("item_price", "product_price"),
        "image": ("image_path", "image_url", "img", "picture"),
        "audio": ("audio_path", "audio_url"),
    },
    "users": {USER_ID: ("id", *_USER_IDS)},
}


def key_of(name: str) -> str:
    """A name without case and punctuation: `userid` for `User-ID`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def understood(table: Table, kind: TableName, given: Mapping[str, str]) -> Table:
    """The table with canonical names for all columns that have one.

    A name the user gave wins over the canonical name, and that over its synonyms.

    Args:
        table: Columns as the file or its reader names them.
        kind: What the table holds.
        given: Canonical name to the file's name.

    Raises:
        DataError: A given name is not there, or two columns could be the same one.
    """
    names = {_given(table, wanted, canonical): canonical for canonical, wanted in given.items()}
    for canonical, synonyms in SYNONYMS[kind].items():
        if canonical in names.values():
            continue
        free = [column for column in table.frame.columns if column not in names]
        column = _one(table, canonical, free, {key_of(canonical)}) or _one(
            table, canonical, free, {key_of(name) for name in synonyms}
        )
        if column is not None:
            names[column] = canonical
    taken = set(names.values())
    aside = {c: f"original_{c}" for c in table.frame.columns if c in taken and c not in names}
    return table.renamed({**aside, **{old: new for old, new in names.items() if old != new}})


def _given(table: Table, wanted: str, canonical: str) -> str:
    for column in table.frame.columns:
        if wanted.lower() in (column.lower(), table.name_of(column).lower()):
            return column
    found = ", ".join(table.name_of(column) for column in table.frame.columns)
    raise table.error(
        f"there is no column '{wanted}' to take as '{canonical}' (found: {found}).",
        column=wanted,
        hint="Mend the name under columns.",
    )


def _one(table: Table, canonical: str, free: list[str], keys: set[str]) -> str | None:
    """The one free column whose name is among `keys`, none if there is none."""
    fitting = [column for column in free if key_of(column) in keys]
    if len(fitting) > 1:
        names = " and ".join(f"'{table.name_of(column)}'" for column in fitting)
        raise table.error(
            f"the columns {names} could each be '{canonical}'.",
            column=canonical,
            hint=f"Say which with columns: {{{canonical}: <name>}}.",
        )
    return fitting[0] if fitting else None
