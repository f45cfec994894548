"""Keys, models, experiments, the audit log: for administrators."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool

from foretaste.errors import UnknownIdError
from foretaste.serving.access import make_key
from foretaste.serving.api.common import Admin, Serving, write_down
from foretaste.serving.api.lists import ItemPath
from foretaste.serving.api.schemas import (
    ActOut,
    ArmOut,
    CountOut,
    ExperimentOut,
    KeyIn,
    KeyOut,
    ModelOut,
    NewKeyOut,
)
from foretaste.serving.experiments import report_on
from foretaste.serving.live_models import previous_of
from foretaste.serving.service import Service
from foretaste.serving.store.base import Key, ModelRecord

router = APIRouter(prefix="/admin", tags=["admin"])


@router.get("/keys")
def keys(service: Serving, key: Admin) -> list[KeyOut]:
    """All keys, without their secrets."""
    return [_shown(known) for known in service.store.keys()]  # noqa: SIM118


@router.post("/keys")
def add_key(body: KeyIn, service: Serving, key: Admin) -> NewKeyOut:
    """Makes a key; this answer is the only place where it is shown."""
    made, secret = make_key(service.store, body.name, body.role, days=body.days)
    service.gatekeeper.forget()
    write_down(service, key, "keys.add", made.key_id)
    return NewKeyOut(**_shown(made).model_dump(), key=secret)


@router.delete("/keys/{key_id}")
def revoke_key(key_id: ItemPath, service: Serving, key: Admin) -> CountOut:
    """Makes a key good for nothing."""
    if not service.store.revoke_key(key_id):
        raise UnknownIdError("there is no such key.", field="key_id")
    service.gatekeeper.forget()
    write_down(service, key, "keys.revoke", key_id)
    return CountOut(accepted=1)


@router.get("/models")
def models(service: Serving, key: Admin) -> list[ModelOut]:
    """The registry, oldest first."""
    return [_model(record) for record in service.store.models()]


@router.post("/models/{version}/promote")
async def promote(version: ItemPath, service: Serving, key: Admin) -> list[ModelOut]:
    """Makes a model of the registry the live one; requests go on being answered meanwhile."""
    return await run_in_threadpool(_go_live, service, key, version, "models.promote")


@router.post("/models/rollback")
async def rollback(service: Serving, key: Admin) -> list[ModelOut]:
    """Goes back to the model before the live one."""
    version = (await run_in_threadpool(previous_of, service.store)).version
    return await run_in_threadpool(_go_live, service, key, version, "models.rollback")


@router.get("/experiment")
def experiment(service: Serving, key: Admin) -> ExperimentOut:
    """What the running experiment has shown so far."""
    config = service.config.experiment
    if config is None:
        raise UnknownIdError("no experiment runs.", hint="Give the configuration one.")
    found = report_on(config, service.store)
    return ExperimentOut(
        name=found.name,
        arms=[ArmOut(**asdict(arm)) for arm in found.arms],
        ratio_p=found.ratio_p,
        mismatch=found.mismatch,
    )


@router.get("/audit")
def audit(
    service: Serving, key: Admin, n: Annotated[int, Query(ge=1, le=10_000)] = 100
) -> list[ActOut]:
    """What administrators did, the latest first."""
    return [ActOut(**asdict(act)) for act in service.store.acts(n)]


def _go_live(service: Service, key: Key | None, version: str, act: str) -> list[ModelOut]:
    before = service.models.live.version
    service.store.set_live(version)
    try:
        service.models.refresh()
    except Exception:
        # It can't be loaded: the registry goes back to what still answers.
        service.store.set_live(before)
        raise
    write_down(service, key, act, version)
    return [_model(record) for record in service.store.models()]


def _shown(key: Key) -> KeyOut:
    return KeyOut(
        key_id=key.key_id,
        name=key.name,
        role=key.role,
        created=key.created,
        expires=key.expires,
        revoked=key.revoked,
    )


def _model(record: ModelRecord) -> ModelOut:
    return ModelOut(
        version=record.version,
        parent=record.parent,
        status=record.status,
        events_until=record.events_until,
        metrics=dict(record.metrics),
        created=record.created,
    )
