"""SQLite as a store: one file, many readers and one writer at a time."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc

from foretaste.serving.store.values import json_text

# How long a writer waits for another process to finish.
SECONDS = 5


def sqlite_engine(url: URL) -> Engine:
    """An engine whose commits are on disk, and whose transactions are what they seem."""
    engine = create_engine(
        url,
        hide_parameters=True,
        json_serializer=json_text,
        pool_timeout=SECONDS,
        connect_args={"timeout": SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def scrub(engine: Engine) -> None:
    """Empties the write-ahead log, where pages stay as they were before rows were deleted.

    Whoever reads just now may be in the way; the log is then overwritten later, as it always is.
    """
    with suppress(exc.DBAPIError), closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # The driver begins no transaction of its own; see _begin.
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # WAL's default loses the last commits when the power goes.
        "foreign_keys = ON",
        "secure_delete = ON",  # Whoever is erased is overwritten, not only unlinked.
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A writer takes its turn at the start: one that has read first can't wait for another, and
    # would fail.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
