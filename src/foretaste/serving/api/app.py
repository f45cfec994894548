"""The HTTP interface of a service."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import metadata

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware

from foretaste.serving.api import admin, catalogue, events, gorse, health, lists
from foretaste.serving.api.errors import RESPONSES, add_error_handlers
from foretaste.serving.api.middleware import Envelope
from foretaste.serving.service import Service

_DESCRIPTION = "Recommendations in real time, from events that are never lost."


def create_app(service: Service) -> FastAPI:
    """The application; when it shuts down, so does the service.

    Args:
        service: What answers.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="Foretaste",
        description=_DESCRIPTION,
        version=metadata.version("foretaste"),
        lifespan=lifespan,
        responses=RESPONSES,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.service = service
    for part in (events, lists, catalogue, admin):
        app.include_router(part.router, prefix="/v1")
    app.include_router(health.router)
    if service.config.gorse:
        app.include_router(gorse.router, prefix="/compat/gorse")
    add_error_handlers(app)
    if service.config.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.config.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["authorization", "content-type", "x-request-id"],
        )
    limits = service.config.limits
    app.add_middleware(Envelope, measures=service.measures, body_bytes=limits.body_bytes)
    return app
