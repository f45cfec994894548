"""What tests let other processes do. These are forked from a server that has imported all."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from multiprocessing.connection import Connection

from foretaste.serving.store import open_store
from tests.serving.store.examples import event

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload([__name__, "foretaste.serving.store.sql"])

BATCH = 5


def ingest(dsn: str, name: str, batches: int, acknowledged: Connection) -> None:
    """Adds batches of events, and tells after each which it was."""
    store = open_store(dsn, tenant="shop")
    for n in range(batches):
        store.add_events([event(f"{name}-{n}-{i}") for i in range(BATCH)])
        acknowledged.send_bytes(f"{name}-{n}".encode())
    store.close()


def told(acknowledged: Connection) -> list[str]:
    """All batches that a process has told of, until it ended or was ended."""
    batches: list[str] = []
    with suppress(EOFError, OSError):
        while True:
            batches.append(acknowledged.recv_bytes().decode())
    return batches


def events_of(batches: list[str]) -> set[str]:
    return {f"{batch}-{i}" for batch in batches for i in range(BATCH)}
