from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest

from foretaste.serving.store import log, open_store
from foretaste.serving.store.base import Store, StoreUnavailableError
from foretaste.serving.store.database import Database
from foretaste.serving.store.postgres import ANSWER_SECONDS, REST_SECONDS
from tests.serving.servers import PostgresServer
from tests.serving.store.examples import answer, event, key, log_of, model

SECRET = "secret-of-shop"

CALLS: dict[str, Callable[[Store], object]] = {
    "add_events": lambda store: store.add_events([event("x", "Bob")]),
    "latest_of": lambda store: store.latest_of("u", 3),
    "events_after": lambda store: list(store.events_after(0)),
    "put_items": lambda store: store.put_items({"i": {}}),
    "items_after": lambda store: store.items_after(0),
    "put_users": lambda store: store.put_users({"Bob": {}}),
    "erase_user": lambda store: store.erase_user("Bob"),
    "erased": lambda store: store.erased(),
    "add_answers": lambda store: store.add_answers([answer("r", "Bob")]),
    "answers_since": lambda store: list(store.answers_since(0)),
    "add_key": lambda store: store.add_key(key("k")),
    "key": lambda store: store.key("k"),
    "add_model": lambda store: store.add_model(model("v")),
    "set_live": lambda store: store.set_live("v"),
    "add_metrics": lambda store: store.add_metrics("v", {}),
    "acts": lambda store: store.acts(),
    "check": lambda store: store.check(),
}


@pytest.fixture
def store(postgres: PostgresServer) -> Iterator[Store]:
    store = open_store(postgres.url, tenant=uuid.uuid4().hex)
    yield store
    store.close()


def test_a_server_that_is_gone_is_told_of_and_used_again(
    store: Store, postgres: PostgresServer
) -> None:
    store.add_events([event("a")])
    postgres.stop()
    try:
        for name, call in CALLS.items():
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError, match="can't be reached") as caught:
                call(store)
            assert time.monotonic() - began < 1, name
            assert postgres.url.rpartition("@")[2] in str(caught.value)
            assert SECRET not in str(caught.value)
            assert "Bob" not in str(caught.value)
        with pytest.raises(StoreUnavailableError, match="can't be reached"):
            open_store(postgres.url)
    finally:
        postgres.start()
    assert store.add_events([event("a"), event("b")])[0] is None
    assert [kept for _, kept in log_of(store)] == [event("a"), event("b")]


def test_a_server_that_never_answers_is_not_waited_for(
    store: Store, postgres: PostgresServer
) -> None:
    store.add_events([event("a")])
    postgres.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="can't be reached"):
            store.add_events([event("b")])
        first = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="can't be reached"):
            store.check()
        second = time.monotonic()
    finally:
        postgres.thaw()
    assert first - began < ANSWER_SECONDS + 1
    assert second - first < 0.5
    time.sleep(REST_SECONDS)
    assert store.add_events([event("b")])[0] is not None
    assert len(log_of(store)) == 2


def test_acknowledged_events_outlive_a_server_that_is_killed(
    store: Store, postgres: PostgresServer
) -> None:
    """Three times while three write, who send again what was not acknowledged."""
    done = threading.Event()
    acknowledged: list[list[str]] = [[], [], []]
    failures = [0, 0, 0]

    def write(thread: int) -> None:
        n = 0
        while not done.is_set():
            names = [f"{thread}-{n}-{i}" for i in range(5)]
            try:
                store.add_events([event(name) for name in names])
            except StoreUnavailableError:
                failures[thread] += 1
                time.sleep(0.05)
            else:
                acknowledged[thread] += names
                n += 1

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        before = len(acknowledged[0])
        while len(acknowledged[0]) < before + 25:
            time.sleep(0.01)
        postgres.kill()
        postgres.start()
    done.set()
    for thread in threads:
        thread.join()
    assert min(failures) > 0
    kept = [one.event_id for _, one in log_of(store)]
    assert len(kept) == len(set(kept))
    assert {name for some in acknowledged for name in some} <= set(kept)
    assert len(kept) % 5 == 0
    for thread, names in enumerate(acknowledged):
        own = [name for name in kept if name.startswith(f"{thread}-")]
        assert own[: len(names)] == names


def test_a_server_that_takes_no_writes_is_named(store: Store, postgres: PostgresServer) -> None:
    store.add_events([event("a")])
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("ALTER ROLE shop SET default_transaction_read_only = on")
        try:
            readonly = open_store(postgres.url, tenant="other")
            with pytest.raises(StoreUnavailableError, match="takes no writes"):
                readonly.add_events([event("a", "Bob")])
            assert log_of(readonly) == []
            readonly.close()
        finally:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute("ALTER ROLE shop RESET default_transaction_read_only")


def test_a_call_that_waits_too_long_says_so(store: Store, postgres: PostgresServer) -> None:
    store.add_events([event("a")])
    with psycopg.connect(postgres.url) as other:
        other.execute("LOCK TABLE counters")
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="took too long"):
            store.add_events([event("b")])
        assert time.monotonic() - began < ANSWER_SECONDS + 1
    assert store.add_events([event("b")])[0] is not None


@pytest.mark.parametrize(
    ("right", "wrong"), [(SECRET, "a-wrong-secret"), ("/postgres", "/no-such-database")]
)
def test_a_wrong_dsn_is_told_without_its_password(
    postgres: PostgresServer, right: str, wrong: str
) -> None:
    with pytest.raises(StoreUnavailableError, match="DSN is right") as caught:
        open_store(postgres.url.replace(right, wrong))
    assert SECRET not in str(caught.value)
    assert "a-wrong-secret" not in str(caught.value)


def test_tenants_do_not_wait_for_each_other(store: Store, postgres: PostgresServer) -> None:
    database = Database(postgres.url)
    with database.writes() as connection:
        log.add(connection, "somebody slow", [event("slow")])
        assert store.add_events([event("quick")]) == [1]
    database.close()
