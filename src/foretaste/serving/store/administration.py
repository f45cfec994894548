"""Keys, the registry of models, and the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Table, insert, select, true, update

from foretaste.errors import InputError, UnknownIdError
from foretaste.serving.store.base import Act, Key, ModelRecord, ModelStatus
from foretaste.serving.store.statements import advance, insert_into
from foretaste.serving.store.tables import acts as acts_table
from foretaste.serving.store.tables import keys as keys_table
from foretaste.serving.store.tables import models as models_table
from foretaste.serving.store.values import check_id, check_text


def add_key(connection: Connection, tenant: str, key: Key) -> None:
    """Keeps a key.

    Raises:
        InputError: Its id is there already.
    """
    check_id(key.key_id, "key_id")
    check_text(key.name, "name")
    if not _added(connection, tenant, keys_table, vars(key)):
        raise InputError("there is a key with this id.", field="key_id")


def key(connection: Connection, tenant: str, key_id: str) -> Key | None:
    """The key with an id."""
    columns = [keys_table.c[field.name] for field in fields(Key)]
    row = connection.execute(
        select(*columns).where(keys_table.c.tenant == tenant, keys_table.c.key_id == key_id)
    ).first()
    return None if row is None else Key(*row)


def keys(connection: Connection, tenant: str) -> list[Key]:
    """All keys, in the order in which they were added."""
    return [Key(*row) for row in _all(connection, tenant, keys_table, Key)]


def revoke_key(connection: Connection, tenant: str, key_id: str) -> bool:
    """Revokes a key; whether there was one."""
    revoking = update(keys_table).where(
        keys_table.c.tenant == tenant, keys_table.c.key_id == key_id
    )
    return connection.execute(revoking.values(revoked=true())).rowcount > 0


def add_model(connection: Connection, tenant: str, record: ModelRecord) -> None:
    """Writes a model into the registry.

    Raises:
        InputError: Its version is there, or it is to be live beside another.
    """
    check_id(record.version, "version")
    if not _added(connection, tenant, models_table, vars(record)):
        raise InputError(
            f"there is a model {record.version!r} already, or another that is live.",
            field="version",
            hint="Give it another version; make it live when it is registered.",
        )


def models(connection: Connection, tenant: str) -> list[ModelRecord]:
    """The registry, in the order in which models were added."""
    return [ModelRecord(*row) for row in _all(connection, tenant, models_table, ModelRecord)]


def set_live(connection: Connection, tenant: str, version: str) -> None:
    """Makes a model the live one, in place of the one that was."""
    advance(connection, tenant, models_table.name, 0)  # Of two such calls, one waits.
    connection.execute(
        update(models_table)
        .where(models_table.c.tenant == tenant, models_table.c.status == "live")
        .values(status="retired")
    )
    _set_status(connection, tenant, version, "live")


def set_model_status(
    connection: Connection, tenant: str, version: str, status: ModelStatus
) -> None:
    """Changes a model's status to one that is not live."""
    if status == "live":
        raise InputError("a model goes live by `set_live`.", field="status")
    _set_status(connection, tenant, version, status)


def add_metrics(
    connection: Connection, tenant: str, version: str, metrics: Mapping[str, Any]
) -> None:
    """Adds to what was measured of a model."""
    advance(connection, tenant, models_table.name, 0)  # Of two such calls, one waits.
    of_model = (models_table.c.tenant == tenant, models_table.c.version == version)
    known = connection.execute(select(models_table.c.metrics).where(*of_model)).scalar()
    if known is None:
        raise _no_such_model(version)
    connection.execute(update(models_table).where(*of_model).values(metrics={**known, **metrics}))


def add_act(connection: Connection, tenant: str, act: Act) -> None:
    """Adds a line to the audit log."""
    number = advance(connection, tenant, acts_table.name, 1)
    connection.execute(insert(acts_table), {"tenant": tenant, "number": number, **vars(act)})


def acts(connection: Connection, tenant: str, n: int) -> list[Act]:
    """The latest acts, newest first."""
    columns = [acts_table.c[field.name] for field in fields(Act)]
    rows = connection.execute(
        select(*columns)
        .where(acts_table.c.tenant == tenant)
        .order_by(acts_table.c.number.desc())
        .limit(n)
    )
    return [Act(*row) for row in rows]


def _added(connection: Connection, tenant: str, table: Table, row: dict[str, Any]) -> bool:
    number = advance(connection, tenant, table.name, 1)
    statement = insert_into(connection, table).values(tenant=tenant, number=number, **row)
    added = connection.execute(statement.on_conflict_do_nothing().returning(table.c.number))
    return added.first() is not None


def _all(connection: Connection, tenant: str, table: Table, kind: Any) -> Any:
    columns = [table.c[field.name] for field in fields(kind)]
    return connection.execute(
        select(*columns).where(table.c.tenant == tenant).order_by(table.c.number)
    )


def _set_status(connection: Connection, tenant: str, version: str, status: ModelStatus) -> None:
    changed = connection.execute(
        update(models_table)
        .where(models_table.c.tenant == tenant, models_table.c.version == version)
        .values(status=status)
    )
    if not changed.rowcount:
        raise _no_such_model(version)


def _no_such_model(version: str) -> UnknownIdError:
    return UnknownIdError(f"there is no model {version!r} in the registry.", field="version")
