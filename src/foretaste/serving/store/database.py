"""A database as the store sees it: transactions that read, transactions that write."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from foretaste.errors import ConfigError, MissingExtraError
from foretaste.serving.store import sqlite
from foretaste.serving.store.base import StoreUnavailableError
from foretaste.serving.store.failures import told
from foretaste.serving.store.migrating import migrate

_POSTGRES = {"postgresql", "postgresql+psycopg", "postgres"}


class Database:
    """An open database with this version's tables; its calls may come from several threads.

    Args:
        dsn: URL of a PostgreSQL database, or path or URL of an SQLite file.

    Raises:
        ConfigError: The DSN is none of these.
        InputError: A newer version of Foretaste has made its tables.
        StoreUnavailableError: It can't be reached or written.
        MissingExtraError: It is PostgreSQL, and its driver is not installed.
    """

    def __init__(self, dsn: str) -> None:
        url = _url(dsn)
        self.where = _shown(url)
        self._reading = _engine(url)
        # SQLite lets one write at a time, and those who wait look again now and then, in no
        # order. Threads of this process wait here instead, and go on at once.
        self._turn = threading.Lock() if url.get_backend_name() == "sqlite" else None
        self._writing = self._reading.execution_options(writes=True)
        with told(self.where):
            migrate(_migrating_engine(url, self._writing), self.where)

    @contextmanager
    def reads(self) -> Generator[Connection]:
        """A transaction that changes nothing."""
        with told(self.where), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def writes(self) -> Generator[Connection]:
        """A transaction that is on disk when it has ended without an error, or left no trace."""
        with self._in_turn(), told(self.where), self._writing.begin() as connection:
            yield connection

    def scrub(self) -> None:
        """Leaves nothing in the files of what was deleted, as far as that can be done at once."""
        if self._turn is not None:
            sqlite.scrub(self._writing)

    def close(self) -> None:
        """Closes all connections."""
        self._reading.dispose()

    @contextmanager
    def _in_turn(self) -> Generator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=sqlite.SECONDS):
            raise StoreUnavailableError(
                f"the database {self.where} has too many writers at once.", hint="Try again."
            )
        try:
            yield
        finally:
            self._turn.release()


def _url(dsn: str) -> URL:
    if "://" not in dsn:
        return URL.create("sqlite", database=str(Path(dsn).expanduser().absolute()))
    try:
        url = make_url(dsn)
    except (ArgumentError, ValueError):
        raise _unknown() from None
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url
    raise _unknown()


def _unknown() -> ConfigError:
    # Not repeated: there may be a password in it.
    return ConfigError(
        "this is no database that a store can be kept in.",
        field="dsn",
        hint="Give the path of a file, or postgresql://user:password@host:5432/name.",
    )


def _shown(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"postgresql://{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return sqlite.sqlite_engine(url)
    try:
        from foretaste.serving.store.postgres import postgres_engine
    except ImportError:  # Also where the C library that it calls is missing.
        raise MissingExtraError("psycopg", "serve") from None
    return postgres_engine(url)


def _migrating_engine(url: URL, usual: Engine) -> Engine:
    if url.get_backend_name() == "sqlite":
        return usual
    from foretaste.serving.store.postgres import patient_postgres_engine

    return patient_postgres_engine(url)
