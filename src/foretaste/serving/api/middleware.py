"""Around every request: an id, a clock, a limit to its size, and headers that keep it safe."""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foretaste.serving.measures import Measures

_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]

_GOOD_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_log = structlog.get_logger()


class _TooLargeError(HTTPException):
    """The body goes on after the limit; of a kind that frameworks pass on while they read it."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"the body is over {most:,} bytes.")


class Envelope:
    """The middleware; plain ASGI, as it is in the way of every request.

    Args:
        app: What answers.
        measures: Counts and times requests by route.
        body_bytes: Of a request, at most.
    """

    def __init__(self, app: ASGIApp, measures: Measures, body_bytes: int) -> None:
        self._app = app
        self._measures = measures
        self._most = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _GOOD_ID.fullmatch(given) else secrets.token_hex(8)
        scope["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        tagged = (b"x-request-id", request_id.encode())
        started, status, begun = time.perf_counter(), 500, False

        async def sending(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message.get("headers", ()), *_HEADERS, tagged]
            await send(message)

        try:
            if int(headers.get(b"content-length", b"0") or 0) > self._most:
                raise _TooLargeError(self._most)
            await self._app(scope, self._limited(receive), sending)
        except _TooLargeError as error:
            if not begun:
                await _refuse(sending, 413, error.detail, request_id)
        except Exception:
            # A bug: the caller gets its number, the log what it was.
            # The route, not the path: that may hold somebody's id.
            _log.exception("request.bug", route=getattr(scope.get("route"), "path", "none"))
            self._measures.errors.labels("request").inc()
            if not begun:
                await _refuse(sending, 500, "something is wrong inside.", request_id)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._measures.requests.labels(route, str(status)).inc()
            self._measures.seconds.labels(route).observe(time.perf_counter() - started)
            structlog.contextvars.clear_contextvars()

    def _limited(self, receive: Receive) -> Receive:
        got = 0

        async def receiving() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._most:
                raise _TooLargeError(self._most)
            return message

        return receiving


async def _refuse(send: Send, status: int, message: str, request_id: str) -> None:
    body: dict[str, Any] = {"message": message, "field": None, "hint": None}
    content = json.dumps({"error": body | {"request_id": request_id}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
