"""What both databases can hold, so that what one keeps the other keeps too."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from foretaste.errors import InputError
from foretaste.serving.store.base import Event

# Characters; an index of PostgreSQL has no room for keys much over 2,000 bytes.
LONGEST_ID = 512

_IDS = ("event_id", "user_id", "item_id", "session_id", "recommendation_id")


def json_text(value: Any) -> str:
    """A value as JSON.

    Raises:
        InputError: It is none; NaN and infinity are not.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InputError(
            "something in this call is no JSON.",
            hint="Send text, finite numbers, true, false, null, and lists and objects of them.",
        ) from None


def check_events(events: Sequence[Event]) -> None:
    """Refuses events that can't be kept.

    Raises:
        InputError: With the event's place in the call, from 1, and the field.
    """
    for row, event in enumerate(events, 1):
        for field in _IDS:
            check_id(getattr(event, field), field, row)
        check_text(event.event_type, "event_type", row)
        if event.event_value is not None and not math.isfinite(event.event_value):
            raise InputError("this is not a finite number.", row=row, field="event_value")
        if not -(2**63) <= event.timestamp < 2**63:
            raise InputError("this is no time.", row=row, field="timestamp")


def check_ids(ids: Iterable[str], field: str) -> None:
    """Refuses ids that can't be kept."""
    for row, value in enumerate(ids, 1):
        check_id(value, field, row)


def check_id(value: str | None, field: str, row: int | None = None) -> None:
    """Refuses an id that can't be kept; it is not repeated, for it may be anything."""
    if value is not None and not 1 <= len(value) <= LONGEST_ID:
        raise InputError(
            f"this has {len(value):,} characters.",
            row=row,
            field=field,
            hint=f"Ids have 1 to {LONGEST_ID}.",
        )
    check_text(value, field, row)


def check_text(value: str | None, field: str, row: int | None = None) -> None:
    """Refuses text that is none: with a zero byte or half a character."""
    if value is None or (value.isascii() and "\0" not in value):
        return
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InputError(
            "this holds a zero byte or half a surrogate pair.",
            row=row,
            field=field,
            hint="Send text in UTF-8.",
        )
