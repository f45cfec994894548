"""What goes wrong around a service: its process killed, its database or Redis gone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from foretaste.serving import Service
from foretaste.serving.api import create_app
from foretaste.serving.store import open_store
from foretaste.serving.store.base import Store
from tests.serving.conftest import ServiceMaker, eventually
from tests.serving.processes import ServiceProcess
from tests.serving.servers import PostgresServer, RedisServer

KILLS = 5


def ids_in(store: Store) -> Counter[str]:
    return Counter(event.event_id for block in store.events_after(0) for _, event in block)


@pytest.mark.slow
def test_a_killed_service_has_kept_all_that_it_acknowledged(knn_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    process = ServiceProcess(knn_run, tmp_path, "--store", str(path))
    acknowledged: list[str] = []
    numbers = count()

    def send() -> None:
        with httpx.Client(base_url=process.url, timeout=5) as http:
            while True:
                ids = [f"e{next(numbers)}" for _ in range(20)]
                rows = [{"event_id": i, "user_id": i[-2:], "item_id": "101"} for i in ids]
                try:
                    answer = http.post("/v1/events", json={"events": rows})
                except httpx.TransportError:
                    return
                assert answer.json()["accepted"] == 20
                acknowledged.extend(ids)

    for kill in range(KILLS):
        senders = [threading.Thread(target=send) for _ in range(2)]
        for sender in senders:
            sender.start()
        time.sleep(0.2 + 0.1 * kill)
        process.kill()
        for sender in senders:
            sender.join()
        process.start()
    process.stop()
    kept = ids_in(open_store(str(path)))
    assert len(acknowledged) > 100
    assert set(acknowledged) <= set(kept)
    assert set(kept.values()) == {1}


class Load:
    """People who send events and ask for lists, until told to stop.

    Attributes:
        statuses: How often each status came, by kind of call.
        acknowledged: Ids of events that were accepted.
        degraded: How often each was said of a list.
    """

    def __init__(self, service: Service) -> None:
        self._http = TestClient(create_app(service), raise_server_exceptions=False)
        self._stop = threading.Event()
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.acknowledged: list[str] = []
        self.degraded: Counter[str] = Counter()
        self._numbers = count()
        works: list[Callable[[], None]] = [self._send, self._send, self._ask, self._ask]
        self._threads = [threading.Thread(target=self._repeat, args=(work,)) for work in works]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets the calls that are under way end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            work()

    def _send(self) -> None:
        event_id = f"e{next(self._numbers)}"
        row = {"event_id": event_id, "user_id": f"p{hash(event_id) % 20}", "item_id": "102"}
        answer = self._http.post("/v1/events", json={"events": [row]})
        self.statuses["send", answer.status_code] += 1
        if answer.status_code == 200:
            self.acknowledged.append(event_id)
        else:
            assert answer.headers["retry-after"]

    def _ask(self) -> None:
        user = f"p{next(self._numbers) % 20}"
        answer = self._http.post("/v1/recommendations", json={"user_id": user, "k": 3})
        self.statuses["ask", answer.status_code] += 1
        self.degraded[answer.json().get("degraded", "none")] += 1


@pytest.fixture
def load(
    make_service: ServiceMaker, postgres: PostgresServer, redis_server: RedisServer
) -> tuple[Service, Load]:
    service = make_service(store=postgres.new_database(), state=redis_server.url)
    return service, Load(service)


@pytest.mark.slow
def test_redis_goes_and_comes_back(load: tuple[Service, Load], redis_server: RedisServer) -> None:
    service, people = load
    time.sleep(1)
    redis_server.stop()
    time.sleep(2)
    redis_server.start()
    time.sleep(2)
    people.stop()
    assert set(people.statuses) == {("send", 200), ("ask", 200)}
    assert ids_in(service.store) == Counter(people.acknowledged)
    assert service.state.histories(["p1"]) is not None
    # What was sent while it was away counts too.
    user = "p1"
    stored = [place.seq for place in service.store.latest_of(user, 200)]
    assert eventually(lambda: [p.seq for p in service.histories.of([user])[0]] == stored)


@pytest.mark.slow
def test_the_database_goes_and_comes_back(
    load: tuple[Service, Load], postgres: PostgresServer
) -> None:
    service, people = load
    time.sleep(1)
    postgres.stop()
    time.sleep(2)
    postgres.start()
    assert eventually(lambda: _can_write(service), seconds=15)
    time.sleep(1)
    people.stop()
    assert set(people.statuses) <= {("send", 200), ("send", 503), ("ask", 200)}
    assert people.statuses["send", 503]
    assert people.statuses["ask", 200]
    kept = ids_in(service.store)
    assert set(people.acknowledged) <= set(kept)
    assert set(kept.values()) == {1}


def _can_write(service: Service) -> bool:
    http = TestClient(create_app(service), raise_server_exceptions=False)
    return http.post("/v1/users", json={"users": [{"id": "u"}]}).status_code == 200
