"""What to read, and how to understand it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, field_validator

from foretaste.config import Config
from foretaste.data.cleaning import CleaningConfig
from foretaste.data.schema import EVENT_COLUMNS, ITEM_COLUMNS, USER_COLUMNS

Layout = Literal[
    "movielens-1m",
    "movielens-100k",
    "recbole",
    "personalize",
    "gorse",
    "amazon-reviews",
    "retailrocket",
    "sequences",
    "labelled",
    "canonical",
]

TimeUnit = Literal["auto", "s", "ms", "us", "order"]

_KNOWN: Final = {"events": EVENT_COLUMNS, "items": ITEM_COLUMNS, "users": USER_COLUMNS}


class ColumnNames(Config):
    """The names that columns have in the files, by the name Foretaste has for them.

    Only what is not understood by itself needs a line: ``{events: {user_id: shopper_no}}``.

    Attributes:
        events: For `user_id, item_id, timestamp, event_type, event_value, event_id, session_id,
            recommendation_id`.
        items: For `item_id, title, description, brand, categories, price, image, audio`.
        users: For `user_id`.
    """

    events: Mapping[str, str] = Field(default_factory=dict)
    items: Mapping[str, str] = Field(default_factory=dict)
    users: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("events", "items", "users")
    @classmethod
    def _known(cls, names: Mapping[str, str], info: object) -> Mapping[str, str]:
        known = _KNOWN[str(getattr(info, "field_name", "events"))]
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                raise ValueError(
                    f"'{name}' is no column that Foretaste knows; "
                    + (f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}")
                )
        return names


class DataConfig(Config):
    """Where the data is, how to read it, and what to clean from it.

    Attributes:
        path: A folder, or one file of events.
        layout: How the files are laid out; "auto" finds out from their names and headers.
        columns: Names of columns that are not understood by themselves.
        time_unit: What numbers in the timestamp column count: "s", "ms" or "us" since 1970,
            "order" when they are good for nothing but the order of events (or when there are
            none and the order is the file's); "auto" decides, or refuses where it can't.
        lenient: Skip and count rows that can't be understood, rather than refuse the file.
        cleaning: What to take from the data once it is read.
    """

    path: Path
    layout: Layout | Literal["auto"] = "auto"
    columns: ColumnNames = ColumnNames()
    time_unit: TimeUnit = "auto"
    lenient: bool = False
    cleaning: CleaningConfig = CleaningConfig()
