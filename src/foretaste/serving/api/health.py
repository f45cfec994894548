"""Whether it lives, whether it can answer, and what it measures of itself."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import run_in_threadpool

from foretaste.errors import ForetasteError
from foretaste.serving.api.common import Serving, reads
from foretaste.serving.api.schemas import HealthOut

router = APIRouter(tags=["health"])


@router.get("/health/live")
async def live() -> HealthOut:
    """The process answers."""
    return HealthOut(status="ok")


@router.get("/health/ready")
async def ready(service: Serving, response: Response) -> HealthOut:
    """Everything is there; degraded, lists are still given but events may not be taken."""
    problems = []
    for part in (service.store, service.state):
        try:
            await run_in_threadpool(part.check)
        except ForetasteError as error:
            problems.append(error.message)
    return HealthOut(
        status="degraded" if problems else "ok",
        model_version=service.models.live.version,
        problems=problems,
    )


@router.get("/metrics", dependencies=[Depends(reads)], response_class=Response)
async def metrics(service: Serving) -> Response:
    """For Prometheus."""
    return Response(service.measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
