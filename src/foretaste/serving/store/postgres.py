"""PostgreSQL as a store, told of within seconds when it is gone."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import URL, Engine, NullPool, create_engine, event

from foretaste.serving.store.values import json_text

# A statement may take so long; the client waits a little longer for the server to say so.
STATEMENT_SECONDS = 2.5
ANSWER_SECONDS = 3.0
CONNECT_SECONDS = 2
# For so long after the server was silent, nobody else finds out for themselves.
REST_SECONDS = 1.0


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that takes a question and never answers.

    The server's own timeouts are of no use when it is frozen or cut off.

    Attributes:
        server: Is told of it.
    """

    server: _Server | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Waits for the server, and closes the connection where that took too long."""
        began = time.monotonic()
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.OperationalError:
            if time.monotonic() - began >= ANSWER_SECONDS:
                self.close()
                if self.server is not None:
                    self.server.silent()
            raise


class _Server:
    """A server that is let alone for a while when it was silent."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def silent(self) -> None:
        self._silent_until = time.monotonic() + REST_SECONDS

    def connect(
        self, _dialect: Any, _record: Any, args: Any, options: dict[str, Any]
    ) -> ImpatientConnection:
        began = time.monotonic()
        if began < self._silent_until:
            raise psycopg.OperationalError("it did not answer just now")
        try:
            connection = ImpatientConnection.connect(*args, **options)
        except psycopg.OperationalError:
            if time.monotonic() - began >= CONNECT_SECONDS:
                self.silent()
            raise
        connection.server = self
        return connection


def postgres_engine(url: URL) -> Engine:
    """An engine whose calls end within about three seconds, one way or the other."""
    engine = create_engine(
        url,
        hide_parameters=True,
        json_serializer=json_text,
        pool_pre_ping=True,
        pool_size=10,
        pool_timeout=ANSWER_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": int(ANSWER_SECONDS * 1000),
            # A client that dies within a transaction must not hold the others up.
            "options": f"-c statement_timeout={int(STATEMENT_SECONDS * 1000)}"
            " -c idle_in_transaction_session_timeout=10000",
        },
    )
    event.listen(engine, "do_connect", _Server().connect)
    return engine


def patient_postgres_engine(url: URL) -> Engine:
    """An engine for changes of the schema, which take as long as they take."""
    return create_engine(
        url,
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
