"""`POST /events`: what people did, row by row."""

from __future__ import annotations

import time
import uuid
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import ValidationError

from foretaste.errors import InputError
from foretaste.serving.api.common import Serving, in_time, ingests
from foretaste.serving.api.schemas import EventIn, EventsIn, EventsOut, RowError
from foretaste.serving.ingest import Kept
from foretaste.serving.store.base import Event

router = APIRouter(tags=["events"])


@router.post("/events", dependencies=[Depends(ingests)])
async def post_events(body: EventsIn, service: Serving) -> EventsOut:
    """Keeps events. What the answer calls accepted is on disk, and counts from the next list on.

    An event whose `event_id` is known is counted as a duplicate, so that a request of which no
    answer came can be sent again. Rows that can't be understood are named, the others are kept.
    """
    most = service.config.limits.events
    if len(body.events) > most:
        raise InputError(f"at most {most:,} events may come at once.", field="events")
    events, errors = checked(body.events)
    kept = await in_time(service, service.ingest.submit(events)) if events else Kept(0, 0)
    for result, count in (
        ("accepted", kept.accepted),
        ("duplicate", kept.duplicates),
        ("refused", len(errors)),
    ):
        service.measures.events.labels(result).inc(count)
    return EventsOut(accepted=kept.accepted, duplicates=kept.duplicates, errors=errors)


def checked(rows: list[dict[str, Any]]) -> tuple[list[Event], list[RowError]]:
    """The rows that are events, and what is wrong with the others."""
    events, errors = [], []
    now = round(time.time() * 1000)
    for row, values in enumerate(rows):
        try:
            event = EventIn.model_validate(values)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in problem["loc"]) or None
            errors.append(RowError(row=row, field=field, message=problem["msg"]))
            continue
        events.append(
            Event(
                event_id=event.event_id or uuid.uuid4().hex,
                user_id=event.user_id,
                item_id=event.item_id,
                timestamp=now if event.timestamp is None else event.timestamp,
                event_type=event.event_type,
                event_value=event.event_value,
                session_id=event.session_id,
                recommendation_id=event.recommendation_id,
                context=event.context,
            )
        )
    return events, errors
