"""Items and people: added, changed, looked at, taken out."""

from __future__ import annotations

from typing import Any

import polars as pl
from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool

from foretaste.errors import InputError, UnknownIdError
from foretaste.serving.api.common import Admin, Serving, ingests, reads, write_down
from foretaste.serving.api.lists import ItemPath
from foretaste.serving.api.schemas import CountOut, Described, ErasureOut, ItemsIn, UsersIn
from foretaste.serving.catalogue import id_problem, problem_with
from foretaste.serving.service import Service

router = APIRouter(tags=["catalogue"])


@router.post("/items", dependencies=[Depends(ingests)])
async def post_items(body: ItemsIn, service: Serving) -> CountOut:
    """Adds items, or puts fields in place of all that was known of them.

    They are on disk when the answer comes, and can be recommended a moment later, when their text
    has been read.
    """
    schema = service.models.live.items.schema
    for place, item in enumerate(body.items):
        problem = id_problem(item.id, schema)
        if problem is not None:
            raise InputError(problem, field=f"items.{place}.id")
    _check(service, body.items, schema)
    fields = {item.id: item.fields for item in body.items}
    await run_in_threadpool(service.store.put_items, fields)
    service.catalogue_changed()
    return CountOut(accepted=len(fields))


@router.get("/items/{item_id}", dependencies=[Depends(reads)])
async def get_item(item_id: ItemPath, service: Serving) -> Described:
    """All that is known of an item."""
    return Described(id=item_id, fields=await _fields_of(service, item_id))


@router.delete("/items/{item_id}", dependencies=[Depends(ingests)])
async def delete_item(item_id: ItemPath, service: Serving) -> CountOut:
    """Takes an item out: a moment later it is in no list any more."""
    await _fields_of(service, item_id)
    await run_in_threadpool(service.store.delete_items, [item_id])
    service.catalogue_changed()
    return CountOut(accepted=1)


@router.post("/users", dependencies=[Depends(ingests)])
async def post_users(body: UsersIn, service: Serving) -> CountOut:
    """Adds people, or puts fields in place of all that was known of them."""
    _check(service, body.users, {})
    fields = {user.id: user.fields for user in body.users}
    await run_in_threadpool(service.store.put_users, fields)
    return CountOut(accepted=len(fields))


@router.get("/users/{user_id}", dependencies=[Depends(reads)])
async def get_user(user_id: ItemPath, service: Serving) -> Described:
    """All that was told of a person."""
    fields = await run_in_threadpool(service.store.user, user_id)
    if fields is None:
        raise UnknownIdError("nothing was told of this person.", field="user_id")
    return Described(id=user_id, fields=fields)


@router.delete("/users/{user_id}")
async def erase_user(user_id: ItemPath, service: Serving, key: Admin) -> ErasureOut:
    """Forgets a person: events, fields, answers, what the models remember; gives a receipt.

    No later model learns from what was forgotten.
    """
    erasure = await run_in_threadpool(service.erase, user_id)
    await run_in_threadpool(write_down, service, key, "users.erase", erasure.receipt)
    return ErasureOut(receipt=erasure.receipt, at=erasure.at, deleted=dict(erasure.deleted))


async def _fields_of(service: Service, item_id: str) -> dict[str, Any]:
    """What was posted of an item, or else what the run says of it."""
    fields = await run_in_threadpool(service.store.item, item_id)
    if fields is None:
        fields = await run_in_threadpool(service.models.live.fields_of, item_id)
    if fields is None:
        raise UnknownIdError(f"there is no item {item_id!r}.", field="item_id")
    return fields


def _check(service: Service, rows: list[Described], schema: dict[str, pl.DataType]) -> None:
    most = service.config.limits.items
    if len(rows) > most:
        raise InputError(f"at most {most:,} may come at once.")
    for place, row in enumerate(rows):
        problem = problem_with(row.fields, schema)
        if problem is not None:
            field, message = problem
            raise InputError(message, field=f"{place}.fields.{field}")
