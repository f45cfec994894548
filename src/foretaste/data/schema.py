"""The names and types of the canonical tables: events, items and users."""

from __future__ import annotations

from typing import Final, Literal

USER_ID: Final = "user_id"
ITEM_ID: Final = "item_id"
TIMESTAMP: Final = "timestamp"
EVENT_TYPE: Final = "event_type"
EVENT_VALUE: Final = "event_value"
EVENT_ID: Final = "event_id"
SESSION_ID: Final = "session_id"
RECOMMENDATION_ID: Final = "recommendation_id"

#: Of events that say whether somebody acted when they could have: 0 or 1.
LABEL: Final = "label"
#: Of events that were divided by whoever published them: "train", "validation" or "test".
PART: Final = "part"

REQUIRED_EVENT_COLUMNS: Final = (USER_ID, ITEM_ID, TIMESTAMP)
EVENT_COLUMNS: Final = (
    *REQUIRED_EVENT_COLUMNS,
    EVENT_TYPE,
    EVENT_VALUE,
    EVENT_ID,
    SESSION_ID,
    RECOMMENDATION_ID,
)
ITEM_COLUMNS: Final = (
    ITEM_ID,
    "title",
    "description",
    "brand",
    "categories",
    "price",
    "image",
    "audio",
)
USER_COLUMNS: Final = (USER_ID,)

#: Item columns that hold words, in the order in which they are read to an encoder.
TEXT_COLUMNS: Final = ("title", "brand", "categories", "description")

#: What a timestamp means: milliseconds since 1970 (UTC), or nothing but the order of events.
Clock = Literal["time", "order"]
