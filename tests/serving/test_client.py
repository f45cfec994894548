"""The Python clients against a service in a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from foretaste import serving
from foretaste.errors import InputError, MissingExtraError, UnknownIdError
from foretaste.serving import AsyncClient, Client, ServiceError
from tests.serving.conftest import parity
from tests.serving.processes import ServiceProcess


@pytest.fixture(scope="module")
def url(knn_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("service")
    process = ServiceProcess(knn_run, folder, "--store", str(folder / "store.db"))
    yield process.url
    assert process.stop() in {0, -signal.SIGTERM}


def test_everything_that_is_called(url: str) -> None:
    with Client(url) as client:
        events = [{"user_id": "c", "item_id": item} for item in (102, 104)]
        assert client.send_events(events).accepted == 2
        found = client.recommend(user_id="c", k=3)
        assert parity([item.item_id for item in found.items]) == {0}
        assert client.rank(["110", "111"], user_id="c").items[0].item_id == "110"
        assert len(client.similar(102, k=4).items) == 4
        assert client.search("garden lamp", k=2).items[0].item_id
        assert client.suggest("gar").suggestions
        assert client.explain(110, user_id="c").reason
        assert client.put_items({900: {"title": "Desk fan"}}).accepted == 1
        assert client.erase_user("c").deleted["events"] == 2


def test_the_asynchronous_twin(url: str) -> None:
    async def call() -> None:
        async with AsyncClient(url) as client:
            kept = await client.send_events([{"user_id": "d", "item_id": "101"}])
            assert kept.accepted == 1
            lists = await asyncio.gather(*(client.recommend(user_id="d") for _ in range(8)))
            assert {len(found.items) for found in lists} == {10}
            assert (await client.rank(["111"], user_id="d")).items
            assert (await client.similar("101")).items
            assert (await client.search("lamp")).items
            assert (await client.suggest("gar")).suggestions
            assert (await client.explain("111", user_id="d")).reason
            assert (await client.put_items({"901": {"title": "Rug"}})).accepted == 1
            assert (await client.erase_user("d")).deleted["events"] == 1
            with pytest.raises(UnknownIdError, match="no interest model"):
                await client.predict([{"user_id": "d", "item_id": "101"}])

    asyncio.run(call())


def test_what_is_wrong_is_told_as_in_the_library(url: str) -> None:
    with Client(url) as client:
        with pytest.raises(InputError) as wrong:
            client.recommend(user_id="c", k=0)
        assert wrong.value.field == "k"
        with pytest.raises(UnknownIdError):
            client.similar("nothing")
        with pytest.raises(UnknownIdError):
            client.predict([{"user_id": "c", "item_id": "101"}])


class _Moody(BaseHTTPRequestHandler):
    """Twice too busy, then well; keeps what it was sent."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        status = 503 if len(self.bodies) < 3 else 200
        content = b'{"accepted": 1, "duplicates": 0, "errors": []}'
        self.send_response(status)
        self.send_header("retry-after", "0")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


def test_a_busy_service_is_asked_again_with_the_same_event_ids() -> None:
    _Moody.bodies = []
    server = HTTPServer(("127.0.0.1", 0), _Moody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Client(f"http://127.0.0.1:{server.server_port}") as client:
        assert client.send_events([{"user_id": "a", "item_id": "b"}]).accepted == 1
    server.shutdown()
    assert len(_Moody.bodies) == 3
    assert len(set(_Moody.bodies)) == 1
    assert b'"event_id"' in _Moody.bodies[0]


def test_nobody_answers() -> None:
    with (
        Client("http://127.0.0.1:9", tries=2, timeout=1) as client,
        pytest.raises(ServiceError, match="can't be reached"),
    ):
        client.recommend(user_id="a")
    with pytest.raises(InputError):
        Client("http://127.0.0.1:9", tries=0)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("uvicorn", "foretaste.serving.running"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"foretaste\[serve\]"):
        _ = serving.serve
