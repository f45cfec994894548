from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from foretaste.serving.state import open_state
from foretaste.serving.state.base import State
from tests.serving.servers import RedisServer, redis_server

__all__ = ["redis_server"]


@pytest.fixture(params=["in process", "redis"])
def opened(request: pytest.FixtureRequest) -> Iterator[Callable[[str], State]]:
    """Opens a state of each kind for tenants; those of each test are its own."""
    states: list[State] = []
    test = uuid.uuid4().hex
    url: str | None = None
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        url = server.url

    def open_for(name: str) -> State:
        states.append(open_state(url, tenant=f"{name}:{test}"))
        return states[-1]

    yield open_for
    for state in states:
        state.close()


@pytest.fixture
def state(opened: Callable[[str], State]) -> State:
    return opened("shop")
