"""People: what is known of them, and how they are forgotten."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, insert, select

from foretaste.serving.store.base import Erasure, Fields, user_hash
from foretaste.serving.store.statements import advance, put_rows
from foretaste.serving.store.tables import answers, erasures, events, users
from foretaste.serving.store.values import check_ids


def put(connection: Connection, tenant: str, people: Mapping[str, Fields]) -> None:
    """Puts people in place of what was known of them."""
    check_ids(people, "user_id")
    # In one order for all: of two calls that lock each other's rows the database breaks one off.
    rows = [
        {"tenant": tenant, "user_id": user_id, "fields": people[user_id]}
        for user_id in sorted(people)
    ]
    put_rows(connection, users, rows)


def fields_of(connection: Connection, tenant: str, user_id: str) -> Fields | None:
    """What is known of a person."""
    wanted = select(users.c.fields).where(users.c.tenant == tenant, users.c.user_id == user_id)
    return connection.execute(wanted).scalar()


def erase(connection: Connection, tenant: str, user_id: str) -> Erasure:
    """Deletes all rows of a person and leaves a receipt."""
    # Waits for events on their way, so that none of them is half erased.
    advance(connection, tenant, "events", 0)
    deleted = {
        table.name: connection.execute(
            delete(table).where(table.c.tenant == tenant, table.c.user_id == user_id)
        ).rowcount
        for table in (events, users, answers)
    }
    receipt = Erasure(
        receipt=uuid.uuid4().hex,
        user_hash=user_hash(tenant, user_id),
        at=time.time_ns() // 1_000_000,
        deleted=deleted,
    )
    connection.execute(insert(erasures), {"tenant": tenant, **vars(receipt)})
    return receipt


def erased(connection: Connection, tenant: str) -> dict[str, int]:
    """When each who was erased was last erased, by hash."""
    rows = connection.execute(
        select(erasures.c.user_hash, func.max(erasures.c.at).label("last"))
        .where(erasures.c.tenant == tenant)
        .group_by(erasures.c.user_hash)
    )
    return {row.user_hash: row.last for row in rows}
