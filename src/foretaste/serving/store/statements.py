"""What SQLite and PostgreSQL say alike, beyond standard SQL: upserts, and numbers in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from foretaste.serving.store import tables

# Statements for many rows stay well under the databases' limits of parameters and of time.
MANY = 1_000

Row = dict[str, Any]


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insertion that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def put_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows, in place of those with the same primary key."""
    statement = insert_into(connection, table)
    keys = [column.name for column in table.primary_key]
    rest = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    statement = statement.on_conflict_do_update(index_elements=keys, set_=rest)
    for part in parts(rows):
        connection.execute(statement, part)


def parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Rows in as many pieces as statements should be made of them."""
    return (rows[start : start + MANY] for start in range(0, len(rows), MANY))


def advance(connection: Connection, tenant: str, counter: str, by: int) -> int:
    """Takes the next numbers of a counter, and keeps others from taking any until the commit.

    Numbers are not taken from a sequence of the database: transactions commit in another order
    than that in which they drew from it, and a reader who has seen number 8 would never learn of
    a 7 that commits later. The counter is a row; whoever has changed it holds its lock until the
    end of the transaction, and all who see that transaction see all with lower numbers.

    Args:
        connection: In a transaction that writes.
        tenant: Whose.
        counter: Its name.
        by: How many numbers; 0 only waits for the turn.

    Returns:
        The last of them.
    """
    table = tables.counters
    statement = insert_into(connection, table).values(tenant=tenant, name=counter, value=by)
    return connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant", "name"],
            set_={"value": table.c.value + statement.excluded.value},
        ).returning(table.c.value)
    ).scalar_one()


def reached(connection: Connection, tenant: str, counter: str) -> int:
    """The last number that was taken of a counter; 0 where none was."""
    table = tables.counters
    return (
        connection.execute(
            select(table.c.value).where(table.c.tenant == tenant, table.c.name == counter)
        ).scalar()
        or 0
    )
