"""How fast the sequence model learns: seconds of training until it ranks as well as a peer does.

A peer's goal is the best NDCG@10 it reached on the validation targets. Its time is the training
up to there, ours the training until our model first stands at that goal; validation is left out
of both, and so is what comes before the first epoch: reading the data and, for ours, encoding the
items' text once (`encoding seconds`, with an empty cache). Each ratio is the median of three
seeds of ours over the peer's, on the wall clock and, for where something else kept a core busy,
in processor time. A peer's learning curve is that of the study `quality`, validated after every
epoch. Ours trains in the same way for the first epochs and is looked at several times in each, as
it often passes a peer's best within the first; where that was not measured yet, its curve is that
of `quality` too. Ours and the peers have the same split.

The floor of our own configuration is the time its arithmetic takes at the speed of a large matrix
product of this machine (fp32): the floating-point operations of one epoch, counted as it runs,
padding included, over operations a second, measured in the same cell.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)

import foretaste as ft
from figures import (
    NDCG,
    Record,
    at_most,
    best_metric,
    done,
    one_split,
    seconds_to_reach,
)
from foretaste.memory import peak_memory_mib
from harness import Cell
from measuring import read
from peers.catalogue import BEAUTY, ML_1M
from studies import quality
from studies.quality import SEEDS, SEQUENCE, SPLIT, TITLES, WITHOUT_TEXT, build
from watching import Watched

FLOOR = "floor"
#: Ours, a peer, and the share of its time that ours should take at most.
RACES = (
    (SEQUENCE, "rectools-sasrec", 1 / 30),
    (WITHOUT_TEXT, "rectools-sasrec", 1 / 10),
    (SEQUENCE, "recbole-sasrec", 1 / 50),
)
_AT_MOST_FLOORS = 3.0
#: Enough to pass the peers.
_EPOCHS = {ML_1M: 2, BEAUTY: 6}


def borrowed() -> dict[str, list[Cell]]:
    """The cells of `quality` that hold learning curves, looked at after every epoch."""
    wanted = {model for race in RACES for model in race[:2]}
    return {"quality": [cell for cell in quality.cells() if cell.model in wanted]}


def cells() -> list[Cell]:
    """Ours with and without text on three seeds, and the floor, on both sets."""
    racing = [
        Cell(data=data, split=SPLIT, model=model, seed=seed)
        for data in TITLES
        for model in (SEQUENCE, WITHOUT_TEXT)
        for seed in SEEDS
    ]
    return racing + [Cell(data=data, split=SPLIT, model=FLOOR, seed=0) for data in TITLES]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """The start of a learning curve, closely watched, or the floor."""
    split = read(data / cell.data).split(cell.split)
    if cell.model == FLOOR:
        return measure_floor(cell.seed, split.train)
    model = build(cell.model, cell.seed, kind=Watched, epochs=_EPOCHS[cell.data])
    curve = model.watch(split.validation)
    model.fit(split.train)
    return {
        "settings": model.config.model_dump(mode="json"),
        "split_fingerprint": split.fingerprint,
        "fit_peak_memory_mib": peak_memory_mib(),
        "learning_curve": curve,
    }


def measure_floor(seed: int, train: ft.Dataset) -> dict[str, Any]:
    """An epoch's seconds and operations, the machine's operations a second, and the encoding."""
    started = time.perf_counter()
    ft.TextEncoder(cache=None).encode(train.items)
    encoding = time.perf_counter() - started
    rate = matrix_product_rate()
    model = build(SEQUENCE, seed, epochs=2).fit(train)
    seconds = min(epoch.seconds for epoch in model.training_history.epochs)
    operations = operations_of_an_epoch(build(SEQUENCE, seed, epochs=1), train)
    return {
        "settings": model.config.model_dump(mode="json"),
        "encoding_seconds": round(encoding, 1),
        "operations": operations,
        "operations_a_second": rate,
        "floor_seconds": operations / rate,
        "epoch_seconds": seconds,
    }


def matrix_product_rate(size: int = 2048, repeats: int = 5) -> float:
    """Floating-point operations a second of a large fp32 matrix product, the best of several."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds[1:])


def operations_of_an_epoch(model: ft.SequenceRecommender, train: ft.Dataset) -> int:
    """Floating-point operations of the matrix products and attention of one epoch."""
    aten = torch.ops.aten
    # Torch's own counter passes over these.
    also = {
        aten.addmm_: _product,
        aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    }
    counter = FlopCounterMode(display=False, custom_mapping=also)
    with counter, torch.compiler.set_stance("force_eager"):
        model.fit(train)
    return counter.get_total_flops()


def _product(_: Any, a: Any, b: Any, **__: Any) -> int:
    return 2 * a[0] * a[1] * b[1]


def _attention(q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(q, k, v)


def _attention_backward(gradient: Any, q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    return sdpa_backward_flop_count(gradient, q, k, v)


def summary(records: list[Record]) -> dict[str, Any]:
    """Every race, and the floors."""
    found: dict[str, Any] = {}
    for data, title in TITLES.items():
        rows = {}
        for ours, peer, _ in RACES:
            race = _race(records, data, ours, peer)
            if race:
                rows[f"{ours} against {peer}"] = race
        if rows:
            found[f"{title}: training seconds to a peer's best validation {NDCG}"] = rows
    floors = {
        TITLES[record["cell"]["data"]]: _floor_row(record) for record in done(records, model=FLOOR)
    }
    return found | ({"The floor of an epoch": floors} if floors else {})


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """What the figures were wanted to be."""
    found = []
    for data, title in TITLES.items():
        for ours, peer, share in RACES:
            race = _race(records, data, ours, peer)
            name = f"{title}, {ours}: share of {peer}'s time to its best validation {NDCG}"
            found.append(at_most(name, share, race.get("share")))
            name = f"{title}, {ours}: peak MiB no higher than {peer}'s"
            found.append(at_most(name, race.get("its MiB", 0), race.get("our MiB"), digits=1))
        floor = next((_floor_row(r) for r in done(records, data=data, model=FLOOR)), {})
        name = f"{title}: epoch over its floor"
        found.append(at_most(name, _AT_MOST_FLOORS, floor.get("epoch over floor"), digits=2))
    return found


def _race(records: list[Record], data: str, ours: str, peer: str) -> dict[str, Any]:
    """How long both took to the peer's goal; empty where either was not measured."""
    theirs = done(records, data=data, model=peer)
    found = done(records, data=data, model=ours)
    # Those of `quality` hold a report as well; they stand in until as many seeds were watched.
    watched = [record for record in found if "report" not in record]
    runs = max(watched, [record for record in found if "report" in record], key=len)
    if not theirs or not runs:
        return {}
    one_split([*theirs, *runs])
    curve = theirs[0]["learning_curve"]
    goal = best_metric(curve)
    curves = [run["learning_curve"] for run in runs]
    its_seconds, our_seconds, share = _seconds(curve, curves, goal, "seconds")
    _, _, cpu_share = _seconds(curve, curves, goal, "cpu_seconds")
    return {
        "its best": round(goal, 4),
        "its seconds": round(its_seconds, 1),
        "our seconds": None if share is None else round(our_seconds, 1),
        "share": share,
        "share of CPU seconds": cpu_share,
        "its seconds over ours": None if share is None else round(1 / share, 1),
        "its MiB": theirs[0]["fit_peak_memory_mib"],
        "our MiB": max(run["fit_peak_memory_mib"] for run in runs),
        "its status": theirs[0]["status"],
    }


def _seconds(
    curve: list[dict[str, Any]], curves: list[list[dict[str, Any]]], goal: float, clock: str
) -> tuple[float, float, float | None]:
    """The peer's time to the goal, ours (infinite if not reached), and ours over the peer's."""
    its = seconds_to_reach(curve, goal, clock) or 0.0
    reached = [seconds_to_reach(run, goal, clock) for run in curves]
    # A seed that never gets there counts as the slowest.
    ours = median(float("inf") if seconds is None else seconds for seconds in reached)
    return its, ours, round(ours / its, 5) if ours < float("inf") else None


def _floor_row(record: Record) -> dict[str, Any]:
    return {
        "TFLOP an epoch": round(record["operations"] / 1e12, 3),
        "GFLOP/s": round(record["operations_a_second"] / 1e9),
        "floor seconds": round(record["floor_seconds"], 2),
        "epoch seconds": round(record["epoch_seconds"], 2),
        "epoch over floor": round(record["epoch_seconds"] / record["floor_seconds"], 2),
        "encoding seconds": record["encoding_seconds"],
    }
