"""The catalogue: fields by item, with the revision that each was last changed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, select, tuple_

from foretaste.serving.store.base import Fields
from foretaste.serving.store.statements import advance, put_rows, reached
from foretaste.serving.store.tables import items as table
from foretaste.serving.store.values import check_ids

REVISION = "items"

# A revision and the id of an item that was changed in it; the order in which changes are read.
Mark = tuple[int, str]


def put(connection: Connection, tenant: str, items: Mapping[str, Fields | None]) -> int:
    """Puts items in place of what was known of them; None takes one out.

    Returns:
        The revision that holds them.
    """
    check_ids(items, "item_id")
    revision = advance(connection, tenant, REVISION, 1 if items else 0)
    rows = [
        {"tenant": tenant, "item_id": item_id, "revision": revision, "fields": fields}
        for item_id, fields in items.items()
    ]
    put_rows(connection, table, rows)
    return revision


def fields_of(connection: Connection, tenant: str, item_id: str) -> Fields | None:
    """The fields of an item that is in the catalogue."""
    wanted = select(table.c.fields).where(table.c.tenant == tenant, table.c.item_id == item_id)
    return connection.execute(wanted).scalar()


def revision(connection: Connection, tenant: str) -> int:
    """The present revision; 0 for a catalogue that nothing was put into yet."""
    return reached(connection, tenant, REVISION)


def changes(
    connection: Connection, tenant: str, after: Mark, n: int
) -> Iterator[tuple[Mark, Fields | None]]:
    """The first n changes after a mark, oldest first."""
    mark = tuple_(table.c.revision, table.c.item_id)
    rows = connection.execute(
        select(table.c.revision, table.c.item_id, table.c.fields)
        .where(table.c.tenant == tenant, table.c.revision >= after[0], mark > tuple_(*after))
        .order_by(table.c.revision, table.c.item_id)
        .limit(n)
    )
    return (((revision, item_id), fields) for revision, item_id, fields in rows)
