"""What goes wrong around a service: its process killed, its database or Redis gone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from foretaste.serving import Service
from foretaste.serving.api import create_app
from foretaste.serving.config import LimitsConfig
from foretaste.serving.store import open_store
from foretaste.serving.store.base import Store
from foretaste.serving.store.postgres import ANSWER_SECONDS, REST_SECONDS
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


@dataclass(frozen=True)
class Call:
    """A request that was answered, and when; `degraded` is what a list says of itself."""

    kind: str
    began: float
    ended: float
    status: int
    retry_after: str | None
    degraded: str


class Load:
    """People who send events and ask for lists, until told to stop.

    Attributes:
        calls: What they called.
        acknowledged: Ids of events that were accepted.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._stop = threading.Event()
        self.calls: list[Call] = []
        self.acknowledged: list[str] = []
        self._numbers = count()
        works: list[Callable[[], None]] = [self._send, self._send, self._ask, self._ask]
        self._threads = [threading.Thread(target=self._repeat, args=(work,)) for work in works]
        for thread in self._threads:
            thread.start()

    @property
    def statuses(self) -> Counter[tuple[str, int]]:
        """How often each status came, by kind of call."""
        return Counter((call.kind, call.status) for call in self.calls)

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
        if self._called("send", "/v1/events", {"events": [row]}).status_code == 200:
            self.acknowledged.append(event_id)

    def _ask(self) -> None:
        number = next(self._numbers)
        # Of strangers nothing is held in the state: the store has to be asked.
        user = f"p{number % 20}" if number % 2 else f"new-{number}"
        self._called("ask", "/v1/recommendations", {"user_id": user, "k": 3})

    def _called(self, kind: str, path: str, body: object) -> httpx.Response:
        began = time.monotonic()
        answer = self._http.post(path, json=body)
        self.calls.append(
            Call(
                kind,
                began,
                time.monotonic(),
                answer.status_code,
                answer.headers.get("retry-after"),
                answer.json().get("degraded", ""),
            )
        )
        return answer


@pytest.fixture
def load(
    make_service: ServiceMaker, postgres: PostgresServer, redis_server: RedisServer
) -> tuple[Service, Load]:
    service = make_service(store=postgres.new_database(), state=redis_server.url)
    return service, Load(TestClient(create_app(service), raise_server_exceptions=False))


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
    assert all(call.retry_after for call in people.calls if call.status == 503)
    kept = ids_in(service.store)
    assert set(people.acknowledged) <= set(kept)
    assert set(kept.values()) == {1}


def _can_write(service: Service) -> bool:
    http = TestClient(create_app(service), raise_server_exceptions=False)
    return http.post("/v1/users", json={"users": [{"id": "u"}]}).status_code == 200


@pytest.mark.slow
def test_a_database_that_never_answers_holds_nobody_up_for_long(
    knn_run: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    dsn = postgres.new_database()
    process = ServiceProcess(knn_run, tmp_path, "--store", dsn)
    with httpx.Client(base_url=process.url, timeout=60) as http:
        people = Load(http)
        time.sleep(1)
        postgres.freeze()
        frozen = time.monotonic()
        try:
            time.sleep(10)
        finally:
            thawed = time.monotonic()
            postgres.thaw()
        user = {"users": [{"id": "u"}]}
        assert eventually(lambda: http.post("/v1/users", json=user).is_success, seconds=15)
        # Whoever waited for it still may have let it alone for a while.
        time.sleep(ANSWER_SECONDS + REST_SECONDS)
        mended = time.monotonic()
        time.sleep(1)
        people.stop()
    process.stop()
    within = [call for call in people.calls if frozen <= call.began and call.ended <= thawed]
    assert {call.status for call in within if call.kind == "send"} == {503}
    assert {call.status for call in within if call.kind == "ask"} <= {200, 503}
    assert "store" in {call.degraded for call in within if call.status == 200}
    assert set(people.statuses.keys()) <= {
        (kind, n) for kind in ("send", "ask") for n in (200, 503)
    }
    assert all(call.retry_after for call in people.calls if call.status == 503)
    # What admits a caller may wait for the store, and then the answer as long as any.
    longest = max(call.ended - call.began for call in people.calls)
    assert longest < ANSWER_SECONDS + LimitsConfig().seconds
    after = [call for call in people.calls if call.began >= mended]
    assert {(call.kind, call.status, call.degraded) for call in after} == {
        ("send", 200, ""),
        ("ask", 200, ""),
    }
    kept = ids_in(open_store(dsn))
    assert set(people.acknowledged) <= set(kept)
    assert set(kept.values()) == {1}
