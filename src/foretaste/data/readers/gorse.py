"""Dumps of a gorse server: JSON Lines with feedback, items and users.

See https://gorse.io/docs/concepts/data-objects
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from foretaste.data.problems import Findings
from foretaste.data.readers.json_lines import read_json_lines
from foretaste.data.readers.layout import Found, Reader, Source, Tables, first_with
from foretaste.data.readers.table import Table
from foretaste.data.schema import EVENT_TYPE, EVENT_VALUE, ITEM_ID, TIMESTAMP, USER_ID

_FEEDBACK: Final = {
    "FeedbackType": EVENT_TYPE,
    "UserId": USER_ID,
    "ItemId": ITEM_ID,
    "Value": EVENT_VALUE,
    "Timestamp": TIMESTAMP,
}
#: Labels may be any JSON and stay as they are written.
_ITEMS: Final = {
    "ItemId": ITEM_ID,
    "Comment": "title",
    "Categories": "categories",
    "IsHidden": "is_hidden",
    "Timestamp": "added",
    "Labels": "labels",
}
_USERS: Final = {"UserId": USER_ID, "Labels": "labels"}


def find(source: Source) -> Found | None:
    """JSON Lines known by the fields of their first object."""
    files = source.ending(".jsonl", ".ndjson", ".json")
    events = first_with(files, "FeedbackType", "UserId", "ItemId")
    if events is None:
        return None
    others = [path for path in files if path != events]
    items = first_with(others, "ItemId")
    users = first_with([path for path in others if path != items], "UserId")
    return Found(events, items, users)


def read(found: Found, findings: Findings) -> Tables:
    """Reads the dumps; an item's comment is its title."""

    def table(path: Path, names: dict[str, str]) -> Table:
        return read_json_lines(path, findings, fields=list(names)).renamed(names).without_empty()

    return Tables(
        events=table(found.events, _FEEDBACK),
        items=None if found.items is None else table(found.items, _ITEMS),
        users=None if found.users is None else table(found.users, _USERS),
    )


READER = Reader(
    layout="gorse",
    looks_for="JSON Lines with FeedbackType, UserId and ItemId",
    find=find,
    read=read,
)
