"""Errors on their way out: one form, the right status, nothing that is nobody's business."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from foretaste.errors import ForetasteError, InputError, UnknownIdError
from foretaste.serving.access import RefusedError, TooManyError
from foretaste.serving.api.schemas import ErrorOut
from foretaste.serving.batching import OverloadedError
from foretaste.serving.state.base import StateUnavailableError
from foretaste.serving.store.base import StoreUnavailableError

_AGAIN_SECONDS = 1
_log = structlog.get_logger()

#: What every route may answer beside what it promises, for the OpenAPI document.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut, "description": text}
    for status, text in {
        400: "This is no request that can be read.",
        401: "A good key is needed.",
        403: "The key does not allow this.",
        404: "There is no such thing.",
        413: "The request is too large.",
        422: "Something in the request is wrong.",
        429: "Too many requests; come again after `Retry-After` seconds.",
        503: "Not possible right now; come again after `Retry-After` seconds.",
    }.items()
}


def add_error_handlers(app: FastAPI) -> None:
    """Makes all errors look like `ErrorOut`."""
    app.add_exception_handler(ForetasteError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_the_request)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(TimeoutError, _of_time)


def told(
    request: Request,
    status: int,
    message: str,
    *,
    field: str | None = None,
    hint: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """An error as a response."""
    body = {
        "message": message,
        "field": field,
        "hint": hint,
        "request_id": request.scope.get("request_id", ""),
    }
    return JSONResponse({"error": body}, status, headers)


async def _of_ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ForetasteError)  # noqa: S101 - registered for nothing else
    status, headers = _status(error)
    if status >= 500:
        _log.warning("request.failed", error=str(error), status=status)
    return told(request, status, error.message, field=error.field, hint=error.hint, headers=headers)


def _status(error: ForetasteError) -> tuple[int, dict[str, str]]:
    if isinstance(error, RefusedError):
        return error.status, {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if isinstance(error, TooManyError):
        return 429, {"Retry-After": f"{error.seconds:.0f}"}
    if isinstance(error, (OverloadedError, StoreUnavailableError, StateUnavailableError)):
        return 503, {"Retry-After": str(_AGAIN_SECONDS)}
    if isinstance(error, UnknownIdError):
        return 404, {}
    return (422 if isinstance(error, InputError) else 500), {}


async def _of_the_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"][1:]) or None
    return told(request, 422, problem["msg"], field=field)


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    headers = dict(error.headers or {})
    return told(request, error.status_code, str(error.detail), headers=headers)


async def _of_time(request: Request, error: Exception) -> JSONResponse:
    headers = {"Retry-After": str(_AGAIN_SECONDS)}
    return told(request, 503, "the answer took too long.", headers=headers)
