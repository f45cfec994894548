"""The live state in Redis, for a service of several processes.

A history is a sorted set: its members are events as JSON, by their numbers, so that one that is
added twice is there once. Above them all stands a mark where the history is whole, as the store
gave it; without the mark there are only events that came lately, which wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from foretaste.errors import ConfigError
from foretaste.serving.state.base import State, StateUnavailableError
from foretaste.serving.state.breaker import Breaker
from foretaste.serving.state.limits import FORGETTING_SECONDS, FRESH_SECONDS, PLACES
from foretaste.serving.store.base import Place

SECONDS = 0.25
BREAK_SECONDS = 1.0
# Counted from when the store was read, not from the last event: whatever got lost on the way is
# missing for a day at most.
HELD_SECONDS = 24 * 60 * 60

# Events in one call of a script, during which Redis does nothing else.
_PART = 1_000
_MARK = b"whole"

# KEYS: histories. ARGV: places kept, seconds for what is not whole, then for each event the
# number of its history, its own, and itself.
_APPEND = """
for i = 3, #ARGV, 3 do
    redis.call('ZADD', KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2])
end
for _, key in ipairs(KEYS) do
    redis.call('ZREMRANGEBYRANK', key, 0, -(ARGV[1] + 2))
    if not redis.call('ZSCORE', key, 'whole') then
        redis.call('EXPIRE', key, ARGV[2])
    end
end
"""
# KEYS: the history, and the note that it was forgotten. ARGV: places kept, seconds, then for each
# event its number and itself.
_HOLD = """
if redis.call('EXISTS', KEYS[2]) == 1 then
    return
end
redis.call('ZADD', KEYS[1], '+inf', 'whole')
for i = 3, #ARGV, 2 do
    redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(ARGV[1] + 2))
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
# KEYS: the count. ARGV: milliseconds of the window, which begins with its first call.
_COUNT = """
local calls = redis.call('INCR', KEYS[1])
if calls == 1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return calls
"""


class RedisState(State):
    """Holds histories, lists and counts in Redis, which decides what goes when it is full.

    Args:
        url: As redis://:password@host:6379/0.
        tenant: Whose; nothing of others is seen.

    Raises:
        ConfigError: It is no such URL.
    """

    def __init__(self, url: str, *, tenant: str) -> None:
        try:
            # One more attempt where a connection is gone: the server may have been restarted
            # since it was last used. None after a timeout.
            client = redis.Redis.from_url(
                url,
                socket_connect_timeout=SECONDS,
                socket_timeout=SECONDS,
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
                encoding_errors="surrogatepass",
            )
        except ValueError:
            raise ConfigError(
                "this is no URL of a Redis server.",
                field="state",
                hint="Give redis://:password@host:6379/0.",
            ) from None
        self._client: Any = client  # The library types its answers as those of both its clients.
        self._prefix = f"foretaste:{quote(tenant, safe='')}"
        self._where = _shown(client)
        self._breaker = Breaker(BREAK_SECONDS)
        self._append = client.register_script(_APPEND)
        self._hold = client.register_script(_HOLD)
        self._count = client.register_script(_COUNT)

    def histories(self, user_ids: Sequence[str]) -> list[list[Place] | None]:
        """The fresh history of each person."""
        with self._told(), self._client.pipeline(transaction=False) as pipeline:
            for user_id in user_ids:
                pipeline.zrange(self._key("history", user_id), 0, -1)
            return [_history(members) for members in pipeline.execute()]

    def hold(self, user_id: str, places: Sequence[Place]) -> None:
        """Holds a history."""
        arguments: list[Any] = [PLACES, HELD_SECONDS]
        for place in places[-PLACES:]:
            arguments += [place.seq, _member(place)]
        with self._told():
            self._hold([self._key("history", user_id), self._key("forgotten", user_id)], arguments)

    def append(self, places: Mapping[str, Sequence[Place]]) -> None:
        """Adds events to histories."""
        events = [(user_id, place) for user_id, some in places.items() for place in some]
        for start in range(0, len(events), _PART):
            self._append_some(events[start : start + _PART])

    def forget(self, user_id: str) -> None:
        """Drops a history."""
        with self._told(), self._client.pipeline() as pipeline:
            pipeline.delete(self._key("history", user_id))
            pipeline.set(self._key("forgotten", user_id), b"", ex=FORGETTING_SECONDS)
            pipeline.execute()

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keeps a value."""
        with self._told():
            self._client.set(self._key("value", key), value, px=_milliseconds(seconds))

    def get(self, key: str) -> bytes | None:
        """The value."""
        with self._told():
            return self._client.get(self._key("value", key))

    def count(self, key: str, seconds: float) -> int:
        """Counts a call; a window begins with its first."""
        with self._told():
            counted: Any = self._count([self._key("count", key)], [_milliseconds(seconds)])
            return int(counted)

    def check(self) -> None:
        """Asks for a sign of life."""
        with self._told():
            self._client.ping()

    def close(self) -> None:
        """Closes all connections."""
        self._client.close()

    def _append_some(self, events: Sequence[tuple[str, Place]]) -> None:
        numbers = {user_id: n for n, user_id in enumerate(dict.fromkeys(u for u, _ in events), 1)}
        arguments: list[Any] = [PLACES, FRESH_SECONDS]
        for user_id, place in events:
            arguments += [numbers[user_id], place.seq, _member(place)]
        with self._told():
            self._append([self._key("history", user_id) for user_id in numbers], arguments)

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}:{kind}:{name}"

    @contextmanager
    def _told(self) -> Generator[None]:
        """Turns Redis' errors into this package's; they may hold the URL, or values."""
        if not self._breaker.may_try():
            raise self._unavailable("did not answer just now")
        try:
            yield
        except (redis.ConnectionError, redis.TimeoutError):
            self._breaker.failed()
            raise self._unavailable("can't be reached") from None
        except redis.RedisError as error:
            self._breaker.worked()  # It answers, and at once.
            raise self._unavailable(f"refuses ({type(error).__name__})") from None
        self._breaker.worked()

    def _unavailable(self, matter: str) -> StateUnavailableError:
        return StateUnavailableError(
            f"the live state {self._where} {matter}.",
            hint="See that Redis runs, has memory, and that URL and password are right.",
        )


def _member(place: Place) -> str:
    return json.dumps([place.seq, place.item_id, place.timestamp, place.event_type])


def _history(members: list[bytes]) -> list[Place] | None:
    if not members or members[-1] != _MARK:
        return None
    return [Place(*row) for row in json.loads(b"[" + b",".join(members[:-1]) + b"]")]


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _shown(client: redis.Redis) -> str:
    to = client.connection_pool.connection_kwargs
    if "path" in to:
        return f"unix://{to['path']}"
    return f"redis://{to.get('host', 'localhost')}:{to.get('port', 6379)}/{to.get('db', 0)}"
