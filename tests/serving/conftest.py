"""Runs to serve, services over them, and clients of these."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import foretaste as ft
from foretaste import artifacts
from foretaste.serving import Service, ServingConfig
from foretaste.serving.api import create_app
from tests.serving.servers import postgres, redis_server
from tests.small_data import write_small_data

__all__ = ["postgres", "redis_server"]

ServiceMaker = Callable[..., Service]


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> ft.Dataset:
    """Even people like even items (garden things), odd people odd ones (desk things)."""
    return ft.read(write_small_data(tmp_path_factory.mktemp("serving") / "data"))


@pytest.fixture(scope="session")
def knn_run(small_data: ft.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model that can learn on."""
    model = ft.ItemKNN().fit(small_data)
    return artifacts.save(model, tmp_path_factory.mktemp("runs") / "knn", dataset=small_data)


@pytest.fixture(scope="session")
def reading_run(small_data: ft.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model that reads titles."""
    model = ft.ContentBased(content=ft.TextEncoder()).fit(small_data)
    return artifacts.save(model, tmp_path_factory.mktemp("runs") / "reading", dataset=small_data)


@pytest.fixture
def make_service(tmp_path: Path, knn_run: Path) -> Iterator[ServiceMaker]:
    """Makes services over one store; they are closed in the end."""
    with ExitStack() as stack:

        def make(run: Path | None = knn_run, interest: Any = None, **settings: Any) -> Service:
            config = ServingConfig.parse({"store": str(tmp_path / "store.db")} | settings)
            service = Service(config, run, interest)
            stack.callback(service.close)
            return service

        yield make


@pytest.fixture
def service(make_service: ServiceMaker) -> Service:
    """A service of the neighbours' model, open to all."""
    return make_service()


@pytest.fixture
def http(service: Service) -> TestClient:
    """A client in the same process."""
    return TestClient(create_app(service), raise_server_exceptions=False)


def eventually(true: Callable[[], bool], seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.02)
    return False


def parity(ids: list[str]) -> set[int]:
    """Of small data's items: 1 where they are garden things (ids from 101), 0 for the desk."""
    return {int(item) % 2 for item in ids}
