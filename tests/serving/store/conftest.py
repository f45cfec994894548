from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretaste.serving.store import open_store
from foretaste.serving.store.base import Store
from tests.serving.servers import PostgresServer, postgres

__all__ = ["Opened", "postgres"]


class Opened:
    """Opens stores in a database, for tenants of this test's own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._test = uuid.uuid4().hex
        self._stores: list[Store] = []

    def __call__(self, name: str) -> Store:
        store = open_store(self.dsn, tenant=self.tenant(name))
        self._stores.append(store)
        return store

    def anew(self) -> Store:
        """The store of a tenant whom nobody knows yet."""
        return self(uuid.uuid4().hex)

    def tenant(self, name: str) -> str:
        return f"{name}-{self._test}"

    def close(self) -> None:
        for store in self._stores:
            store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "shop.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url


@pytest.fixture
def new_dsn(request: pytest.FixtureRequest, dsn: str) -> str:
    """A database of each kind in which nothing is."""
    if "://" not in dsn:
        return dsn
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def opened(dsn: str) -> Iterator[Opened]:
    opened = Opened(dsn)
    yield opened
    opened.close()


@pytest.fixture
def store(opened: Opened) -> Store:
    return opened("shop")
