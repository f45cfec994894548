"""The log of events: each once, in the order in which they were kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from foretaste.serving.store.base import Event, Place
from foretaste.serving.store.statements import advance, insert_into
from foretaste.serving.store.tables import events as table
from foretaste.serving.store.values import check_events

# The counter of the log's numbers; whoever holds it is the only one who changes the log.
COUNTER = "events"

_FIELDS = tuple(field.name for field in fields(Event))


def add(connection: Connection, tenant: str, events: Sequence[Event]) -> list[int | None]:
    """Keeps events; see `Store.add_events`."""
    if not events:
        return []
    check_events(events)
    first = advance(connection, tenant, COUNTER, len(events)) - len(events) + 1
    insertion = insert_into(connection, table).on_conflict_do_nothing(
        index_elements=["tenant", "event_id"]
    )
    kept = set(
        connection.execute(
            insertion.returning(table.c.seq),
            [_row(tenant, seq, event) for seq, event in enumerate(events, first)],
        ).scalars()
    )
    return [seq if seq in kept else None for seq in range(first, first + len(events))]


def latest_of(connection: Connection, tenant: str, user_id: str, n: int) -> list[Place]:
    """The latest n events of a person, oldest of them first."""
    rows = connection.execute(
        select(*(table.c[field.name] for field in fields(Place)))
        .where(table.c.tenant == tenant, table.c.user_id == user_id)
        .order_by(table.c.seq.desc())
        .limit(n)
    )
    return [Place(*row) for row in rows][::-1]


def after(connection: Connection, tenant: str, seq: int, n: int) -> list[tuple[int, Event]]:
    """The first n events with larger numbers."""
    rows = connection.execute(
        select(table)
        .where(table.c.tenant == tenant, table.c.seq > seq)
        .order_by(table.c.seq)
        .limit(n)
    )
    return [(row["seq"], _event(row)) for row in rows.mappings()]


def last_seq(connection: Connection, tenant: str) -> int:
    """The largest number in the log; 0 where it is empty."""
    largest = select(func.max(table.c.seq)).where(table.c.tenant == tenant)
    return connection.execute(largest).scalar() or 0


def _row(tenant: str, seq: int, event: Event) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in _FIELDS}
    return {"tenant": tenant, "seq": seq, **row, "context": dict(event.context)}


def _event(row: RowMapping) -> Event:
    return Event(**{name: row[name] for name in _FIELDS})
