"""Learning on against training again: quality and seconds as a log grows.

A log is cut into a first part and slices of a tenth: ML-100k by time, so that nearly everybody in a
slice is new; ML-1M and Beauty, whose times are filled in or unknown, by place in the history of
each person, so that nearly nobody is. After each slice a model that was fitted on the first part
catches up with it (`learning on`), another is fitted again on all that is there (`again`), and a
third only remembers the new actions (`remembering`). All are asked for the next slice: NDCG@10 over
the full catalogue for everybody in it. Seconds are of the last slice's update. `forgetting` is what
an update does to people who had no news in it, NDCG@10 after and before, over all updates. Networks
are given the number of epochs that early stopping finds once, on the first part; they are trained
too many times here for ML-1M. Where seeds matter there are three, but one of `sequence` on Beauty.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

import foretaste as ft
from figures import Record, Target, at_least, done
from foretaste.data import Dataset, Targets
from foretaste.evaluation.protocol import reachable
from foretaste.metrics import hit_positions, ndcg
from foretaste.models import MODELS, Recommender
from harness import Cell
from measuring import read

DATA = {"ml-100k": "time", "ml-1m": "place", "amazon-beauty": "place"}
#: Slices begin after these shares of the log; the last is only asked for.
CUTS = (0.6, 0.7, 0.8, 0.9)
MODELS_ASKED = ("popularity", "itemknn", "ease", "als", "bpr", "neuralcf", "sequence")
SEQUENCE, NETWORKS = "sequence", ("neuralcf", "sequence")
#: Models whose update goes on from weights, and which seeds matter for.
RANDOM, SEEDS = ("als", "bpr", SEQUENCE), (0, 1, 2)
WAYS = ("learning on", "again", "remembering")
K = 10


def cells() -> list[Cell]:
    """Every model on every set, but no network on ML-1M."""
    return [
        Cell(data=data, split=cut, model=model, seed=seed, budget_minutes=120)
        for data, cut in DATA.items()
        for model in MODELS_ASKED
        if not (data == "ml-1m" and model in NETWORKS)
        for seed in seeds_of(model, data)
    ]


def seeds_of(model: str, data: str) -> tuple[int, ...]:
    """Three, one where nothing is random or one takes long."""
    long = data == "amazon-beauty" and model == SEQUENCE
    return SEEDS if model in RANDOM and not long else SEEDS[:1]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """One model through all slices, in the three ways."""
    dataset = read(data / cell.data)
    slices = (by_time if cell.split == "time" else by_place)(dataset)
    upto = [dataset.take_events(slices <= number) for number in range(len(CUTS) + 1)]
    build = builder(cell.model, cell.seed, upto[0])
    learning = build().fit(upto[0])
    remembering = learning.copied()
    rows: list[dict[str, Any]] = []
    for number in range(1, len(CUTS)):
        known = upto[number]
        asked = targets_of(known, dataset.take_events(slices == number + 1))
        learning.remember(known)
        old = asked.take(np.flatnonzero(~np.isin(asked.users - 1, learning.known.news)))
        before = quality(learning, old)
        started = time.perf_counter()
        learning.catch_up()
        on = time.perf_counter() - started
        started = time.perf_counter()
        again = build().fit(known)
        anew = time.perf_counter() - started
        rows.append(
            {
                "events": len(known),
                "people": len(asked),
                "learning on": quality(learning, asked),
                "again": quality(again, asked),
                "remembering": quality(remembering, asked),
                "learning on seconds": round(on, 2),
                "again seconds": round(anew, 2),
                "without news": len(old),
                "without news, before": before,
                "without news, after": quality(learning, old),
            }
        )
    return {
        "settings": learning.config.model_dump(mode="json"),
        "dataset_fingerprint": dataset.fingerprint,
        "slices": rows,
    }


def by_time(dataset: Dataset) -> NDArray[np.int64]:
    """int64[events], the slice of each by its time, from 0."""
    moments = np.quantile(dataset.timestamps, CUTS, method="higher")
    return np.searchsorted(moments, dataset.timestamps, side="right")


def by_place(dataset: Dataset) -> NDArray[np.int64]:
    """int64[events], the slice of each by its place in its person's history."""
    histories = dataset.histories()
    rows = histories.row_of_value
    place = np.arange(len(rows)) - histories.offsets[rows]
    return np.searchsorted(CUTS, place / histories.lengths[rows], side="right")


def builder(name: str, seed: int, first: Dataset) -> Callable[[], Recommender]:
    """Makes the model; a network is told its epochs, as early stopping on the first part says."""
    fields = MODELS[name].config_class.model_fields
    settings: dict[str, Any] = {"seed": seed} if "seed" in fields else {}
    if "content" in fields:
        settings["content"] = ft.TextEncoder()
    if "training" in fields:
        inner = first.split("leave-one-out")
        found = MODELS[name](**settings).fit(inner.train, validation=inner.validation)
        training = found.config.training.model_dump() | {"epochs": found.training_history.best}
        settings["training"] = training
    return lambda: MODELS[name](**settings)


def targets_of(known: Dataset, later: Dataset) -> Targets:
    """What everybody does later that they have not done yet."""
    users = np.flatnonzero(later.histories().lengths)
    codes = (users + 1).astype(np.int32)
    return reachable(Targets(codes, known.histories().take(users), later.histories().take(users)))


def quality(model: Recommender, targets: Targets) -> float | None:
    """Mean NDCG@10; None where nobody is asked."""
    if not len(targets):
        return None
    lists = model.rank(targets.histories, K).items
    hits = hit_positions(lists, targets.items.row_of_value, targets.items.values)
    return float(ndcg(hits, targets.items.lengths).mean())


def summary(records: list[Record]) -> dict[str, Any]:
    """Means over slices and seeds."""
    found: dict[str, Any] = {}
    for data, cut in DATA.items():
        for model in MODELS_ASKED:
            records_of = done(records, data=data, model=model)
            if records_of:
                found.setdefault(f"{data} {cut}", {})[model] = row(records_of)
    return found


def row(records: list[Record]) -> dict[str, Any]:
    """The line of a model."""
    slices = [one for record in records for one in record["slices"]]
    last = [record["slices"][-1] for record in records]
    asked = [one for one in slices if one["without news"]]
    forgetting = None
    if asked:
        people = sum(one["without news"] for one in asked)
        change = sum(
            one["without news"] * (one["without news, after"] - one["without news, before"])
            for one in asked
        )
        forgetting = round(change / people, 4)
    return {
        **{way: round(mean(one[way] for one in slices), 4) for way in WAYS},
        "learning on seconds": round(mean(one["learning on seconds"] for one in last), 2),
        "again seconds": round(mean(one["again seconds"] for one in last), 2),
        "forgetting": forgetting,
        "seeds": len(records),
    }


def targets(records: list[Record]) -> list[Target]:
    """Learning on should keep nearly all of a retraining, and beat doing nothing."""
    found = []
    for title, rows in summary(records).items():
        for model, figures in rows.items():
            if model in ("als", "bpr", "neuralcf", "sequence"):
                name = f"{title}, {model}, learning on: NDCG@10, 97% of training again"
                found.append(at_least(name, 0.97 * figures["again"], figures["learning on"]))
    return found
