"""What a data set holds, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from foretaste.data.schema import EVENT_TYPE, ITEM_ID, TEXT_COLUMNS, TIMESTAMP, USER_ID, Clock

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset

_DAY = "%Y-%m-%d"


@dataclass(frozen=True)
class Description:
    """Counts of a data set.

    Attributes:
        events: Events.
        users: Users, with and without events.
        items: Items, with and without events.
        users_without_events: Users nothing is known of but their attributes.
        items_without_events: Cold items.
        items_without_text: Items none of whose text columns says anything.
        events_per_user: Median over users who have events.
        density: Share of all pairs of user and item that occur, from 0 to 1.
        clock: What timestamps mean.
        first: ISO 8601 date of the first event; none where only the order is known.
        last: ISO 8601 date of the last event.
        event_types: Events of each type, the most frequent first.
        event_columns: Columns of events.
        item_columns: Columns of items.
        user_columns: Columns of users.
        fingerprint: SHA-256 of the data set.
    """

    events: int
    users: int
    items: int
    users_without_events: int
    items_without_events: int
    items_without_text: int
    events_per_user: float
    density: float
    clock: Clock
    first: str | None
    last: str | None
    event_types: dict[str, int]
    event_columns: tuple[str, ...]
    item_columns: tuple[str, ...]
    user_columns: tuple[str, ...]
    fingerprint: str

    def __str__(self) -> str:
        when = f"{self.first} to {self.last}" if self.clock == "time" else "known by order only"
        types = ", ".join(f"{name} {count:,}" for name, count in self.event_types.items())
        lines = [
            f"events  {self.events:,}, {when}" + (f" ({types})" if types else ""),
            f"users   {self.users:,}, {self.events_per_user:g} events each (median)"
            + _aside(self.users_without_events, "without events"),
            f"items   {self.items:,}"
            + _aside(self.items_without_events, "without events")
            + _aside(self.items_without_text, "without text"),
            f"density {self.density:.3%}",
        ]
        for table in ("event", "item", "user"):
            columns: tuple[str, ...] = getattr(self, f"{table}_columns")
            lines.append(f"{table} columns: {', '.join(columns)}")
        return "\n".join([*lines, f"fingerprint {self.fingerprint[:16]}"])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def describe(dataset: Dataset) -> Description:
    """Counts what `dataset` holds."""
    per_user = dataset.events.group_by(USER_ID).len()["len"]
    pairs = dataset.events.select(USER_ID, ITEM_ID).unique().height
    users, items = len(dataset.user_vocabulary), len(dataset.item_vocabulary)
    median = per_user.median()
    first, last = _span(dataset)
    return Description(
        events=len(dataset),
        users=users,
        items=items,
        users_without_events=users - len(per_user),
        items_without_events=items - int((dataset.item_counts > 0).sum()),
        items_without_text=int(without_text(dataset.items).sum()),
        events_per_user=median if isinstance(median, float) else 0.0,
        density=pairs / (users * items),
        clock=dataset.clock,
        first=first,
        last=last,
        event_types=_event_types(dataset.events),
        event_columns=tuple(dataset.events.columns),
        item_columns=tuple(dataset.items.columns),
        user_columns=tuple(dataset.users.columns),
        fingerprint=dataset.fingerprint,
    )


def without_text(items: pl.DataFrame) -> pl.Series:
    """bool[items], whether an item's text columns are all missing, null or empty."""
    there = [pl.lit(value=False)]
    for column in TEXT_COLUMNS:
        dtype = items.schema.get(column)
        if dtype is not None:
            is_list = isinstance(dtype, pl.List)
            filled = pl.col(column).list.len() if is_list else pl.col(column).str.len_bytes()
            there.append((filled > 0).fill_null(value=False))
    return items.select(ITEM_ID, without=~pl.any_horizontal(there))["without"]


def _aside(count: int, words: str) -> str:
    return f", {count:,} {words}" if count else ""


def _span(dataset: Dataset) -> tuple[str | None, str | None]:
    if dataset.clock != "time" or not len(dataset):
        return None, None
    ends = (dataset.events[TIMESTAMP].min(), dataset.events[TIMESTAMP].max())
    first, last = (_date(end) for end in ends if isinstance(end, int))
    return first, last


def _date(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime(_DAY)
    except (OverflowError, ValueError):
        return f"{milliseconds} ms"


def _event_types(events: pl.DataFrame) -> dict[str, int]:
    if EVENT_TYPE not in events.columns:
        return {}
    counts = events[EVENT_TYPE].cast(pl.String).value_counts(sort=True, name="events")
    return {str(name): count for name, count in counts.rows()}
