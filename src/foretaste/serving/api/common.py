"""What routes share: the service behind them, and who calls."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import Future
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from foretaste.serving.answers import Ask
from foretaste.serving.api.schemas import Person
from foretaste.serving.service import Service
from foretaste.serving.store.base import Act, Key, Role

_Told = TypeVar("_Told")
_bearer = HTTPBearer(auto_error=False, description="A key: foretaste keys add NAME --role read")


async def service_of(request: Request) -> Service:
    """The service that the app was made for."""
    return request.app.state.service


Serving = Annotated[Service, Depends(service_of)]


async def admitted(service: Service, given: str | None, role: Role) -> Key | None:
    """As `Gatekeeper.admit`, off the event loop where it might wait."""
    gate = service.gatekeeper
    if gate.is_ready(given):
        return gate.admit(given, role)
    return await run_in_threadpool(gate.admit, given, role)


class Requires:
    """Lets only those in whose key allows a role."""

    def __init__(self, role: Role) -> None:
        self.role: Role = role

    async def __call__(
        self,
        service: Serving,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Key | None:
        """The caller's key; None where the service is open."""
        return await admitted(service, None if given is None else given.credentials, self.role)


reads, ingests, administers = Requires("read"), Requires("ingest"), Requires("admin")
Admin = Annotated[Key | None, Depends(administers)]


async def in_time(service: Service, waited: Future[_Told]) -> _Told:
    """What a future holds.

    Raises:
        TimeoutError: Not within the time that a request may take.
    """
    return await asyncio.wait_for(asyncio.wrap_future(waited), service.config.limits.seconds)


def ask_of(person: Person, k: int = 10, *, reasons: bool = False) -> Ask:
    """A request as the engine takes it, with a new recommendation id."""
    return Ask(
        recommendation_id=secrets.token_hex(16),
        user_id=person.user_id,
        history=tuple(person.history),
        k=k,
        parameters=person.parameters,
        age=person.age,
        reasons=reasons,
    )


def write_down(service: Service, key: Key | None, act: str, subject: str) -> None:
    """Adds a line to the audit log."""
    key_id = "local" if key is None else key.key_id
    service.store.add_act(Act(round(time.time() * 1000), key_id, act, subject))
