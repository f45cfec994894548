"""Lists for people: recommended, ranked, similar, searched, explained, foretold."""

from __future__ import annotations

import secrets
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool
from opentelemetry.trace import get_current_span as current_span

from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.errors import InputError, UnknownIdError
from foretaste.serving.answers import Ask, Given, GivenItem
from foretaste.serving.api.common import Serving, ask_of, in_time, reads
from foretaste.serving.api.schemas import (
    EvidenceOut,
    ExplainIn,
    ExplainOut,
    FoundOut,
    ItemOut,
    ItemsOut,
    ListOut,
    PageIn,
    PredictIn,
    PredictOut,
    RankIn,
    RecommendIn,
    SearchIn,
    SearchOut,
    StageOut,
    Suggestion,
    SuggestOut,
)
from foretaste.serving.catalogue import column_of
from foretaste.serving.service import Service

router = APIRouter(tags=["lists"], dependencies=[Depends(reads)])
ItemPath = Annotated[str, Path(min_length=1, max_length=256, pattern=r"^[^\u0000]*$")]
Length = Annotated[int, Query(ge=1, le=1000)]


@router.post("/recommendations")
async def recommend(body: RecommendIn, service: Serving) -> ListOut:
    """A list for a user, known or not, or for a session of somebody unknown.

    What the person did a moment ago counts. Send `recommendation_id` with the events that follow
    from the list.
    """
    _check(service, body.k)
    ask = ask_of(body, body.k, reasons=body.reasons)
    given = await in_time(service, service.recommend(ask))
    return _told(service, ask, given, trace=body.trace)


@router.post("/recommendations/page")
async def page(body: PageIn, service: Serving) -> ItemsOut:
    """A later page of a list that was recommended; it repeats nothing of the earlier ones."""
    _check(service, body.k)
    engine = service.models.live
    items = await run_in_threadpool(engine.page, body.recommendation_id, body.page, body.k)
    return ItemsOut(model_version=engine.version, items=[_item(item) for item in items])


@router.post("/rank")
async def rank(body: RankIn, service: Serving) -> ListOut:
    """Given items in the order that suits somebody; what may not be shown is left out."""
    _check(service, len(body.items))
    ask = ask_of(body, len(body.items))
    engine, _ = service.models.engine_for(ask.user_id or ask.recommendation_id)
    given = await run_in_threadpool(engine.rank, ask, body.items)
    return _told(service, ask, given, trace=False)


@router.get("/similar/{item_id}")
async def similar(item_id: ItemPath, service: Serving, k: Length = 10) -> ItemsOut:
    """Items like an item, by what they say and by who chose them."""
    _check(service, k)
    engine = service.models.live
    items = await run_in_threadpool(engine.similar, item_id, k)
    return ItemsOut(model_version=engine.version, items=[_item(item) for item in items])


@router.post("/search")
async def search(body: SearchIn, service: Serving) -> SearchOut:
    """Items for words, by the words and by their meaning, in the order that suits somebody."""
    _check(service, body.k)
    engine = service.models.live
    ask = ask_of(body, body.k)
    found = await run_in_threadpool(engine.search, body.query, body.k, ask, body.slider)
    plain = found.to_dict()
    items = [FoundOut(**row | {"item_id": str(row["item_id"])}) for row in plain["items"]]
    return SearchOut(
        model_version=engine.version,
        items=items,
        intent=plain["intent"],
        corrections=plain["corrections"],
        reason=plain["reason"],
    )


@router.get("/suggest")
async def suggest(
    service: Serving,
    typed: Annotated[str, Query(max_length=1000)],
    user_id: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
    k: Length = 8,
) -> SuggestOut:
    """What somebody may be about to type."""
    _check(service, k)
    ask = Ask(recommendation_id=secrets.token_hex(16), user_id=user_id)
    table = await run_in_threadpool(service.models.live.suggest, typed, k, ask)
    return SuggestOut(suggestions=[Suggestion(**row) for row in table.iter_rows(named=True)])


@router.post("/explain")
async def explain(body: ExplainIn, service: Serving) -> ExplainOut:
    """Why somebody would be shown an item: what of their history carries it, in plain words."""
    engine, _ = service.models.engine_for(body.user_id or "")
    found = await run_in_threadpool(engine.explain, ask_of(body), body.item_id)
    evidence = [
        EvidenceOut(
            item_id=str(piece.item_id),
            title=piece.title,
            contribution=piece.contribution,
            named=piece.named,
        )
        for piece in found.evidence
    ]
    return ExplainOut(
        model_version=engine.version,
        item_id=str(found.item_id),
        title=found.title,
        score=found.score,
        method=found.method,
        evidence=evidence,
        drop=found.drop,
        words=list(found.words),
        reason=found.reason,
    )


@router.post("/predict")
async def predict(body: PredictIn, service: Serving) -> PredictOut:
    """How likely people are to act on items, here and now; needs a service with `--interest`."""
    model = service.interest
    if model is None:
        raise UnknownIdError(
            "this service has no interest model.", hint="Start it with --interest RUN."
        )
    names = dict.fromkeys(name for pair in body.pairs for name in pair.context)
    taken = {USER_ID, ITEM_ID, TIMESTAMP} & set(names)
    if taken:
        raise InputError(f"'{min(taken)}' is no context.", field="context")
    users = [pair.user_id for pair in body.pairs]
    items = [pair.item_id for pair in body.pairs]
    columns = [pl.Series(USER_ID, users), pl.Series(ITEM_ID, items)]
    columns += [column_of(name, [pair.context.get(name) for pair in body.pairs]) for name in names]
    if all(pair.timestamp is not None for pair in body.pairs):
        columns.append(pl.Series(TIMESTAMP, [pair.timestamp for pair in body.pairs]))
    said = await run_in_threadpool(model.predict, pl.DataFrame(columns))
    by_goal = said.reshape(len(body.pairs), len(model.goals)).T.tolist()
    goals = (goal.name for goal in model.goals)
    return PredictOut(probabilities=dict(zip(goals, by_goal, strict=True)))


def _told(service: Service, ask: Ask, given: Given, *, trace: bool) -> ListOut:
    label = service.label_of(ask)
    service.remember(ask, given, label)
    _write_span(given)
    stages = [StageOut(**vars(stage)) for stage in given.stages] if trace else None
    return ListOut(
        recommendation_id=given.recommendation_id,
        model_version=given.model_version,
        experiment=label,
        items=[_item(item) for item in given.items],
        degraded=given.degraded,
        note=given.note,
        trace=stages,
    )


def _write_span(given: Given) -> None:
    """Adds what every stage did to the span that FastAPI has made for the request."""
    span = current_span()
    if not span.is_recording():
        return
    span.set_attribute("model.version", given.model_version)
    for stage in given.stages:
        span.add_event(stage.stage, {"items": stage.items_out, "milliseconds": stage.milliseconds})


def _item(item: GivenItem) -> ItemOut:
    return ItemOut.model_construct(**vars(item))


def _check(service: Service, k: int) -> None:
    most = service.config.limits.items
    if k > most:
        raise InputError(f"at most {most:,} items may be asked for at once.", field="k")
