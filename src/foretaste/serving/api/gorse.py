"""The calls of a gorse client, answered by this service: feedback, lists, neighbours, sessions.

See https://gorse.io/docs/api/restful-api. A client is pointed to `<service>/compat/gorse` and sends
its key as `X-API-Key`. An item's comment is its title, as when a gorse dump is read.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from foretaste.errors import InputError, UnknownIdError
from foretaste.serving.answers import Ask
from foretaste.serving.api.common import Serving, admitted, in_time
from foretaste.serving.api.lists import ItemPath
from foretaste.serving.api.schemas import Id
from foretaste.serving.service import Service
from foretaste.serving.store.base import Event, Key, Role


class _Allows:
    """Lets only those in whose `X-API-Key` allows a role."""

    def __init__(self, role: Role) -> None:
        self._role: Role = role

    async def __call__(
        self, service: Serving, x_api_key: Annotated[str | None, Header()] = None
    ) -> Key | None:
        return await admitted(service, x_api_key or None, self._role)


_READS, _INGESTS = Depends(_Allows("read")), Depends(_Allows("ingest"))
_Length = Annotated[int, Query(ge=1, le=1000)]
router = APIRouter(prefix="/api", tags=["gorse"])


def _as_moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value


#: RFC 3339, as gorse writes it.
Moment = Annotated[AwareDatetime, BeforeValidator(_as_moment)]


class _Gorse(BaseModel):
    """Clients of other versions send fields that are not known here: those are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


class Feedback(_Gorse):
    """An event as gorse has it."""

    FeedbackType: Annotated[str, Field(max_length=1000)]
    UserId: Id
    ItemId: Id
    Timestamp: Moment | None = None
    Value: float | None = None


class Item(_Gorse):
    """An item as gorse has it."""

    ItemId: Id
    IsHidden: bool = False
    Labels: Any = None
    Categories: list[str] | None = None
    Timestamp: str | None = None
    Comment: str = ""


class User(_Gorse):
    """A person as gorse has it."""

    UserId: Id
    Labels: Any = None
    Comment: str = ""


class Affected(BaseModel):
    """How many rows were written."""

    RowAffected: int


class Score(BaseModel):
    """An item of a list."""

    Id: str
    Score: float


@router.post("/feedback", dependencies=[_INGESTS])
@router.put("/feedback", dependencies=[_INGESTS])
async def feedback(body: list[Feedback], service: Serving) -> Affected:
    """Keeps events; one of the same kind, person, item and time is the same event."""
    if len(body) > service.config.limits.events:
        raise InputError("that is too much feedback at once.")
    if not body:
        return Affected(RowAffected=0)
    kept = await in_time(service, service.ingest.submit([_event(one) for one in body]))
    return Affected(RowAffected=kept.accepted)


@router.get("/recommend/{user_id}", dependencies=[_READS])
async def recommend(user_id: ItemPath, service: Serving, n: _Length = 10) -> list[str]:
    """Ids for a person, best first."""
    ask = Ask(recommendation_id=secrets.token_hex(16), user_id=user_id, k=n)
    given = await in_time(service, service.recommend(ask))
    service.remember(ask, given, service.label_of(ask))
    return [item.item_id for item in given.items]


@router.post("/session/recommend", dependencies=[_READS])
async def session(body: list[Feedback], service: Serving, n: _Length = 10) -> list[Score]:
    """Items for a visit of somebody unknown, from its feedback."""
    latest = sorted(body, key=lambda one: one.Timestamp or datetime.now(UTC))
    history = tuple(one.ItemId for one in latest)
    ask = Ask(recommendation_id=secrets.token_hex(16), user_id=None, history=history, k=n)
    given = await in_time(service, service.recommend(ask))
    return [Score(Id=item.item_id, Score=item.score) for item in given.items]


@router.get("/item/{item_id}/neighbors", dependencies=[_READS])
async def neighbours(item_id: ItemPath, service: Serving, n: _Length = 10) -> list[Score]:
    """Items like an item."""
    items = await run_in_threadpool(service.models.live.similar, item_id, n)
    return [Score(Id=item.item_id, Score=item.score) for item in items]


@router.get("/popular", dependencies=[_READS])
async def popular(service: Serving, n: _Length = 10) -> list[Score]:
    """What most people chose."""
    given = service.models.live.popular(Ask(recommendation_id="", user_id=None, k=n), "")
    return [Score(Id=item.item_id, Score=item.score) for item in given.items]


@router.post("/item", dependencies=[_INGESTS])
async def post_item(body: Item, service: Serving) -> Affected:
    """Adds an item."""
    return await _put_items(service, [body])


@router.post("/items", dependencies=[_INGESTS])
async def post_items(body: list[Item], service: Serving) -> Affected:
    """Adds items; those that are hidden are in no list."""
    return await _put_items(service, body)


@router.delete("/item/{item_id}", dependencies=[_INGESTS])
async def delete_item(item_id: ItemPath, service: Serving) -> Affected:
    """Takes an item out."""
    await run_in_threadpool(service.store.delete_items, [item_id])
    service.catalogue_changed()
    return Affected(RowAffected=1)


@router.get("/item/{item_id}", dependencies=[_READS])
async def get_item(item_id: ItemPath, service: Serving) -> dict[str, Any]:
    """An item."""
    fields = await run_in_threadpool(service.models.live.fields_of, item_id)
    if fields is None:
        raise UnknownIdError(f"there is no item {item_id!r}.", field="item-id")
    return {
        "ItemId": item_id,
        "IsHidden": False,
        "Categories": fields.get("categories") or [],
        "Comment": fields.get("title") or "",
    }


@router.post("/user", dependencies=[_INGESTS])
async def post_user(body: User, service: Serving) -> Affected:
    """Adds a person."""
    return await _put_users(service, [body])


@router.post("/users", dependencies=[_INGESTS])
async def post_users(body: list[User], service: Serving) -> Affected:
    """Adds people."""
    return await _put_users(service, body)


async def _put_items(service: Service, items: list[Item]) -> Affected:
    shown = {
        item.ItemId: {"title": item.Comment or None, "categories": item.Categories}
        for item in items
        if not item.IsHidden
    }
    if shown:
        await run_in_threadpool(service.store.put_items, shown)
    hidden = [item.ItemId for item in items if item.IsHidden]
    if hidden:
        await run_in_threadpool(service.store.delete_items, hidden)
    service.catalogue_changed()
    return Affected(RowAffected=len(items))


async def _put_users(service: Service, users: list[User]) -> Affected:
    fields = {user.UserId: {"labels": user.Labels} for user in users}
    if fields:
        await run_in_threadpool(service.store.put_users, fields)
    return Affected(RowAffected=len(users))


def _event(one: Feedback) -> Event:
    at = round((one.Timestamp or datetime.now(UTC)).timestamp() * 1000)
    same = "\0".join((one.FeedbackType, one.UserId, one.ItemId, str(at)))
    return Event(
        event_id=hashlib.sha256(same.encode()).hexdigest()[:32],
        user_id=one.UserId,
        item_id=one.ItemId,
        timestamp=max(at, 0),
        event_type=one.FeedbackType,
        event_value=one.Value,
    )
