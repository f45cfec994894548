"""Which live state a service uses."""

from __future__ import annotations

from foretaste.errors import MissingExtraError
from foretaste.serving.state.base import State
from foretaste.serving.state.in_process import InProcessState


def open_state(url: str | None, *, tenant: str) -> State:
    """The state in Redis, or without a URL in the memory of this process.

    It is not asked for a sign of life: a service starts without it, and uses it when it is there.

    Raises:
        ConfigError: It is no URL of a Redis server.
        MissingExtraError: There is a URL, and the client of Redis is not installed.
    """
    if url is None:
        return InProcessState()
    try:
        from foretaste.serving.state.redis import RedisState
    except ModuleNotFoundError:
        raise MissingExtraError("redis", "serve") from None
    return RedisState(url, tenant=tenant)
