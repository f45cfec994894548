"""The answers that were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, RowMapping, select, tuple_

from foretaste.serving.store.base import Answer
from foretaste.serving.store.statements import insert_into, parts
from foretaste.serving.store.tables import answers as table
from foretaste.serving.store.values import check_id

# A time and the id of an answer of that time; the order in which answers are read.
Mark = tuple[int, str]

_FIELDS = tuple(field.name for field in fields(Answer))


def add(connection: Connection, tenant: str, answers: Sequence[Answer]) -> None:
    """Keeps answers but those that are there."""
    for row, answer in enumerate(answers, 1):
        check_id(answer.recommendation_id, "recommendation_id", row)
        check_id(answer.user_id, "user_id", row)
    statement = insert_into(connection, table).on_conflict_do_nothing(
        index_elements=["tenant", "recommendation_id"]
    )
    # In one order for all calls, as in `people.put`.
    ordered = sorted(answers, key=lambda answer: answer.recommendation_id)
    for part in parts([{"tenant": tenant, **vars(answer)} for answer in ordered]):
        connection.execute(statement, part)


def since(connection: Connection, tenant: str, after: Mark, n: int) -> list[Answer]:
    """The first n answers after a mark, oldest first."""
    rows = connection.execute(
        select(table)
        .where(
            table.c.tenant == tenant,
            table.c.at >= after[0],
            tuple_(table.c.at, table.c.recommendation_id) > tuple_(*after),
        )
        .order_by(table.c.at, table.c.recommendation_id)
        .limit(n)
    )
    return [_answer(row) for row in rows.mappings()]


def _answer(row: RowMapping) -> Answer:
    plain: dict[str, Any] = {name: row[name] for name in _FIELDS}
    plain["items"] = tuple(plain["items"])
    plain["propensities"] = tuple(plain["propensities"])
    return Answer(**plain)
