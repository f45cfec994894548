from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis

from foretaste.errors import ConfigError
from foretaste.serving.state import open_state
from foretaste.serving.state.base import State, StateUnavailableError
from foretaste.serving.state.limits import FRESH_SECONDS
from foretaste.serving.state.redis import BREAK_SECONDS, HELD_SECONDS
from tests.serving.servers import RedisServer
from tests.serving.state.contract import some

SECRET = "secret-of-shop"

CALLS: dict[str, Callable[[State], object]] = {
    "histories": lambda state: state.histories(["u"]),
    "hold": lambda state: state.hold("u", some(1)),
    "append": lambda state: state.append({"u": some(1)}),
    "forget": lambda state: state.forget("u"),
    "put": lambda state: state.put("k", b"v", 60),
    "get": lambda state: state.get("k"),
    "count": lambda state: state.count("k", 60),
    "check": lambda state: state.check(),
}


@pytest.fixture
def state(redis_server: RedisServer) -> Iterator[State]:
    state = open_state(redis_server.url, tenant=uuid.uuid4().hex)
    yield state
    state.close()


def test_it_says_at_once_that_redis_is_gone_and_uses_it_when_it_is_back(
    state: State, redis_server: RedisServer
) -> None:
    state.hold("u", some(1))
    redis_server.stop()
    try:
        for name, call in CALLS.items():
            began = time.monotonic()
            with pytest.raises(StateUnavailableError) as caught:
                call(state)
            assert time.monotonic() - began < 1, name
            assert SECRET not in str(caught.value)
            assert str(redis_server.url.rpartition("@")[2]) in str(caught.value)
    finally:
        redis_server.start()
    time.sleep(BREAK_SECONDS)
    state.check()
    assert state.histories(["u"]) == [None]
    state.hold("u", some(2))
    assert state.histories(["u"]) == [some(2)]


def test_a_restart_that_nobody_saw_costs_no_call(state: State, redis_server: RedisServer) -> None:
    state.hold("u", some(1))
    redis_server.stop()
    redis_server.start()
    assert state.histories(["u"]) == [None]
    state.append({"u": some(2)})  # Its script is gone from the server too.
    state.hold("u", some(1))
    assert state.histories(["u"]) == [some(1, 2)]


def test_only_the_first_waits_for_one_that_never_answers(
    state: State, redis_server: RedisServer
) -> None:
    state.check()
    redis_server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(StateUnavailableError, match="can't be reached"):
            state.check()
        first = time.monotonic()
        for _ in range(50):
            with pytest.raises(StateUnavailableError, match="just now"):
                state.check()
        rest = time.monotonic() - first
    finally:
        redis_server.thaw()
    assert first - began < 1
    assert rest < 0.2
    time.sleep(BREAK_SECONDS)
    state.check()


def test_a_refusal_is_told_without_the_value(state: State, redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as other:
        other.config_set("maxmemory", 1)
        try:
            with pytest.raises(StateUnavailableError, match="OutOfMemory") as caught:
                state.put("k", b"of somebody", 60)
            assert "of somebody" not in str(caught.value)
            assert state.get("k") is None  # Reading is not refused, and not held up.
        finally:
            other.config_set("maxmemory", 0)


def test_a_wrong_password_is_not_repeated(redis_server: RedisServer) -> None:
    state = open_state(redis_server.url.replace(SECRET, "wrong-secret"), tenant="shop")
    with pytest.raises(StateUnavailableError) as caught:
        state.check()
    assert "wrong-secret" not in str(caught.value)
    state.close()


def test_a_wrong_url_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        open_state(f"http://:{SECRET}@localhost", tenant="shop")
    assert SECRET not in str(caught.value)


def test_nothing_stays_for_ever(redis_server: RedisServer) -> None:
    tenant = uuid.uuid4().hex
    state = open_state(redis_server.url, tenant=tenant)
    state.hold("whole", some(1))
    state.append({"whole": some(2), "fresh": some(3)})
    state.forget("gone")
    state.put("k", b"v", 60)
    state.count("k", 60)
    with redis.Redis.from_url(redis_server.url) as other:
        kept = {key.decode(): other.ttl(key) for key in other.scan_iter(f"foretaste:{tenant}:*")}
    assert len(kept) == 5
    assert all(seconds > 0 for seconds in kept.values())
    assert FRESH_SECONDS < kept[f"foretaste:{tenant}:history:whole"] <= HELD_SECONDS
    assert kept[f"foretaste:{tenant}:history:fresh"] <= FRESH_SECONDS
    state.close()
