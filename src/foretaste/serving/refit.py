"""A new model from what has happened since, which goes live only if it is not worse."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste import artifacts
from foretaste.artifacts import Run, open_run
from foretaste.artifacts.later import carry_over
from foretaste.data import PADDING, Dataset, Ragged
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.errors import InputError
from foretaste.metrics import hit_positions, ndcg
from foretaste.models import Recommender
from foretaste.ranking.item_search import item_search
from foretaste.serving.catalogue import changed_table
from foretaste.serving.live_models import register
from foretaste.serving.store.base import Event, ModelRecord, Store, user_hash

_K = 10
_RESAMPLES = 1000


@dataclass(frozen=True)
class Judged:
    """How a new model did against the live one, on later events than either had learnt from.

    Attributes:
        old: NDCG@10 of the live model, a mean over people.
        new: Likewise of the new one.
        low: Lower end of the 95% interval of the difference (bootstrap over people).
        high: Upper end.
        people: Whose later events were foretold.
        better: Whether the new one is not worse: its interval does not lie below zero.
    """

    old: float
    new: float
    low: float
    high: float
    people: int
    better: bool


@dataclass(frozen=True)
class Verdict:
    """A new model in the registry, and how it was judged; it is live if it was not worse."""

    version: str
    judged: Judged


def refit(
    store: Store,
    tenant: str,
    folder: Path,
    *,
    holdout: float,
    least_events: int,
    tell: Callable[[str], None],
    seed: int = 0,
) -> Verdict | None:
    """Lets the live model learn on, judges it, and makes it live unless it is worse.

    The fresh events are divided by time: a copy of the live model learns from the earlier ones,
    and both are asked to foretell the later ones. The new model is refused when the interval of
    the difference lies below zero. A model that is not worse then learns from the later ones too.

    Args:
        store: Events and registry.
        tenant: Whose.
        folder: Where run folders are made.
        holdout: Share of the fresh events, the latest, to judge on.
        least_events: Fresh events below which nothing is done.
        tell: Takes lines on how the work is going.
        seed: Of the bootstrap.

    Returns:
        The verdict; None where there is too little to learn from.

    Raises:
        InputError: There is no live model, or it can't learn on.
    """
    live = next((record for record in store.models() if record.status == "live"), None)
    if live is None:
        raise InputError("the registry has no live model.", hint="foretaste models add RUN")
    events, last = _fresh(store, live.events_until)
    tell(f"{len(events):,} events since {live.version} learnt")
    if len(events) < least_events:
        return None
    run, untouched = open_run(Path(live.path)), open_run(Path(live.path))
    items = _catalogue(store, run)
    events = _understood(events, run.model, items, tell)
    cut = round(len(events) * (1 - holdout))
    early, late = events[:cut], events[cut:]
    if early.is_empty() or late.is_empty():
        return None
    new = _forgetting(run.model, store, tenant, live).add_items(items)
    old = _forgetting(untouched.model, store, tenant, live).add_items(items)
    tell(f"Learning from {len(early):,} events")
    new.partial_fit(early, items)
    tell(f"Judging on {len(late):,} later ones")
    # The live model is told of everybody's past too; it has only not learnt from it.
    judged = _judged(_foretold(old, early, late), _foretold(new, early.clear(), late), seed)
    if judged.better:
        new.partial_fit(late, items)
    path = folder / f"{_stem(live)}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    artifacts.save(
        new,
        path,
        dataset=_as_dataset(new, items),
        config=run.config or None,
        index=item_search(new, run.index.config if run.index else None).index,
    )
    carry_over(run, path)
    figures = asdict(judged)
    record = register(store, path, parent=live.version, events_until=last, metrics=figures)
    if judged.better:
        store.set_live(record.version)
    else:
        store.set_model_status(record.version, "refused")
    return Verdict(version=record.version, judged=judged)


def _fresh(store: Store, since: int) -> tuple[pl.DataFrame, int]:
    """Events in the order of their times, and the number of the last."""
    rows: list[Event] = []
    last = since
    for block in store.events_after(since):
        rows += [event for _, event in block]
        last = block[-1][0]
    columns = {
        USER_ID: [event.user_id for event in rows],
        ITEM_ID: [event.item_id for event in rows],
        TIMESTAMP: [event.timestamp for event in rows],
    }
    schema = {USER_ID: pl.String, ITEM_ID: pl.String, TIMESTAMP: pl.Int64}
    table = pl.DataFrame(columns, schema=schema)
    return table.sort(TIMESTAMP, maintain_order=True), last


def _catalogue(store: Store, run: Run) -> pl.DataFrame:
    """The items of a run as the store has changed them."""
    _, changes = store.items_after(0)
    changed = changed_table(changes, run.items)
    stay = run.items.join(changed.select(ITEM_ID), on=ITEM_ID, how="anti")
    return pl.concat([stay, changed], how="diagonal")


def _understood(
    events: pl.DataFrame, model: Recommender, items: pl.DataFrame, tell: Callable[[str], None]
) -> pl.DataFrame:
    """The events whose ids are of the model's types and whose items the catalogue holds."""
    types = {USER_ID: model.user_vocabulary.ids.dtype, ITEM_ID: items.schema[ITEM_ID]}
    known = (
        events.with_columns(pl.col(name).cast(dtype, strict=False) for name, dtype in types.items())
        .drop_nulls([USER_ID, ITEM_ID])
        .join(items.select(ITEM_ID), on=ITEM_ID, how="semi", maintain_order="left")
    )
    if len(known) < len(events):
        tell(f"Passed over {len(events) - len(known):,} events of unknown items or other ids")
    return known


def _forgetting(model: Recommender, store: Store, tenant: str, live: ModelRecord) -> Recommender:
    """A model without those who were erased since it was made."""
    erased = {known for known, at in store.erased().items() if at >= live.created}
    if not erased:
        return model
    ids = model.user_vocabulary.ids
    gone = [user_hash(tenant, str(user)) in erased for user in ids]
    return model.forget(ids.filter(pl.Series(gone, dtype=pl.Boolean)))


def _foretold(model: Recommender, told: pl.DataFrame, late: pl.DataFrame) -> NDArray[np.float64]:
    """NDCG@10 of each person's later events that are new to them, NaN where there are none.

    Args:
        model: Answers from the histories it remembers.
        told: Events that end these histories.
        late: Those to foretell.
    """
    users = late[USER_ID].unique(maintain_order=True)
    past = _codes_by_user(model, told, users)
    _, remembered = model.people(users=users)
    rows = [
        np.concatenate([remembered[row], past[row]]).astype(np.int32) for row in range(len(users))
    ]
    wanted = [
        np.setdiff1d(codes, row)
        for codes, row in zip(_codes_by_user(model, late, users), rows, strict=True)
    ]
    ranked = model.rank(Ragged.from_rows(rows), _K).items
    relevant = Ragged.from_rows(wanted)
    found = np.full(len(users), np.nan)
    some = relevant.lengths > 0
    hits = hit_positions(ranked, relevant.row_of_value, relevant.values)
    found[some] = ndcg(hits[some], relevant.lengths[some])
    return found


def _codes_by_user(
    model: Recommender, events: pl.DataFrame, users: pl.Series
) -> list[NDArray[np.int32]]:
    """Item codes of each person's events, in their order."""
    places = pl.DataFrame({USER_ID: users, "place": np.arange(len(users))})
    of_these = events.join(places, on=USER_ID, how="inner", maintain_order="left")
    codes = model.item_vocabulary.encode(of_these[ITEM_ID])
    owners = of_these["place"].to_numpy()
    order = np.argsort(owners, kind="stable")
    lengths = np.bincount(owners, minlength=len(users))
    parts = np.split(codes[order], np.cumsum(lengths)[:-1])
    return [part[part != PADDING] for part in parts]


def _judged(old: NDArray[np.float64], new: NDArray[np.float64], seed: int) -> Judged:
    some = ~np.isnan(old) & ~np.isnan(new)
    old, new = old[some], new[some]
    if not len(old):
        return Judged(0.0, 0.0, 0.0, 0.0, 0, better=False)
    rng = np.random.default_rng(seed)
    difference = new - old
    draws = rng.integers(len(difference), size=(_RESAMPLES, len(difference)))
    low, high = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
    return Judged(
        old=float(old.mean()),
        new=float(new.mean()),
        low=float(low),
        high=float(high),
        people=len(old),
        better=bool(high >= 0),
    )


def _as_dataset(model: Recommender, items: pl.DataFrame) -> Dataset:
    """What the model remembers, with the catalogue in the order of its codes."""
    ids = model.item_vocabulary.ids.alias(ITEM_ID).to_frame()
    table = ids.join(items, on=ITEM_ID, how="left", maintain_order="left")
    return replace(model.known.as_dataset(), items=table)


def _stem(record: ModelRecord) -> str:
    """The version without the time that an earlier refit gave it."""
    return re.sub(r"-\d{8}-\d{6}$", "", record.version)
