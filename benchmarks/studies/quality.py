"""How well the sequence model ranks: against other libraries, published figures and itself.

Leave-one-out on ML-1M (5-core: 6,040 people, 3,416 films) and Beauty (5-core), every item ranked
for everybody, no sampled negatives, and nothing is told of the target's time. Ours and the peers
see the same split and their lists are measured by the same code; ours runs with its defaults on
three seeds, a peer with its makers' published settings on one. A peer trains until it gets no
better on the validation targets or until its time is up (45 minutes unless said otherwise), and
is measured with its best weights; `status` says which. Validation is of everybody. Figures marked
as published are their authors', on this data under this protocol, and were not run here; those of
HSTU in RecTools' tutorial read the target's time.

`sequence` has its defaults, `sequence-4-layers` twice their layers (on ML-1M alone: on Beauty they
were a little worse on the validation targets). `+ EASE` is the fitted model and a linear item model
(Steck, 2019) added up with weights learnt from the validation targets (`WeightedHybrid`); its
training time is that of the sequence model, to which EASE adds seconds.

The ablations are our model with one thing changed, on one seed: on Beauty, where that takes
minutes, and of ML-1M the words alone. Those of settings start from `sequence-plain`, which drops
0.2 and whitens nothing, as the default did when they were measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
import polars as pl

import foretaste as ft
from figures import NDCG, RECALL, Record, at_least, at_most, done, figure, median_figure, one_split
from foretaste.data import Split
from foretaste.data.schema import ITEM_ID
from harness import Cell
from measuring import fit_and_evaluate, read
from peers.catalogue import BEAUTY, ML_1M, PEERS
from peers.exchange import measure_peer

Model = TypeVar("Model", bound=ft.SequenceRecommender)

SEEDS = (0, 1, 2)
SPLIT = "leave-one-out"
DEEP, PLAIN, WITH_LINEAR = "sequence-4-layers", "sequence-plain", " + EASE"
SEQUENCE, WITHOUT_TEXT, PERMUTED = "sequence", "sequence-without-text", "sequence-permuted-text"
TITLES = {ML_1M: "ML-1M", BEAUTY: "Beauty"}
WANTED = {ML_1M: 0.195, BEAUTY: 0.062}

#: Settings by name; "text" says what the model reads: the items' "words" unless told otherwise,
#: the words of other items ("permuted") or "none".
OURS: dict[str, dict[str, Any]] = {
    SEQUENCE: {},
    DEEP: {"layers": 4},
    WITHOUT_TEXT: {"text": "none"},
}
#: Of ours, those that are also added up with a linear model, and the sets they are run on.
ADDED_UP = {SEQUENCE: (ML_1M, BEAUTY), DEEP: (ML_1M,)}
_PLAIN: dict[str, Any] = {"dropout": 0.2, "whitening": 0.0}
_CHANGED: dict[str, dict[str, Any]] = {
    "sequence-dropout-0.1": {"dropout": 0.1},
    "sequence-dropout-0.5": {"dropout": 0.5},
    "sequence-length-50": {"length": 50},
    "sequence-dimension-64": {"dimension": 64},
    "sequence-dimension-256": {"dimension": 256},
    "sequence-layers-1": {"layers": 1},
    "sequence-bound-0.5": {"bound": 0.5},
    "sequence-bound-2": {"bound": 2.0},
    "sequence-text-only-to-start": {"bound": 1e6},
    "sequence-negatives-256": {"negatives": 256},
    "sequence-full-softmax": {"negatives": 10**9},
    "sequence-no-average": {"training": {"average": 0.0}},
    "sequence-contrasting-augmentations": {"objectives": [{"kind": "augmentation"}]},
    "sequence-contrasting-same-targets": {"objectives": [{"kind": "same_target"}]},
    "sequence-gru": {"backbone": "gru"},
    "sequence-convolutions": {"backbone": "cnn"},
    "sequence-linear-recurrent": {"backbone": "linear_recurrent"},
}
ABLATIONS: dict[str, dict[str, Any]] = {
    PERMUTED: {"text": "permuted"},
    PLAIN: _PLAIN,
    **{name: _PLAIN | changed for name, changed in _CHANGED.items()},
}

#: By data set: model, NDCG@10, where it was published.
_ESASREC = "Tikhonovich et al., eSASRec (RecSys 2025)"
PUBLISHED: dict[str, list[tuple[str, float, str]]] = {
    ML_1M: [
        ("SASRec+, 3,000 negatives", 0.186, "Klenitskiy & Vasilev (RecSys 2023)"),
        ("LRURec", 0.193, "Yue et al. (WSDM 2024)"),
        ("SASRec, sampled softmax", 0.1684, _ESASREC),
        ("eSASRec", 0.1772, _ESASREC),
        ("HSTU", 0.1719, _ESASREC),
        ("FuXi-α", 0.1813, _ESASREC),
        ("SASRec of RecTools", 0.1779, "github.com/blondered/bert4rec_repro"),
        ("HSTU of RecTools, reads the target's time", 0.1880, "RecTools' HSTU tutorial"),
    ],
    BEAUTY: [
        ("SASRec, sampled softmax", 0.0531, _ESASREC),
        ("eSASRec", 0.0523, _ESASREC),
        ("CBiT", 0.0537, "Du et al. (CIKM 2022)"),
        ("TIGER", 0.0384, "Rajput et al. (NeurIPS 2023)"),
        ("HSTU", 0.0439, _ESASREC),
        ("ActionPiece", 0.0424, "Hou et al. (ICML 2025)"),
    ],
}


def cells() -> list[Cell]:
    """Ours and the peers in turn on each set, then the ablations."""
    seeds_of = dict.fromkeys([*PEERS, *ABLATIONS], SEEDS[:1])
    seeds_of |= dict.fromkeys([*OURS, PLAIN], SEEDS)
    in_turn = [
        (data, model)
        for data in TITLES
        for model in [*OURS, *PEERS]
        if data in ADDED_UP.get(model, TITLES)
    ]
    ablations = [(ML_1M, PERMUTED), *((BEAUTY, model) for model in ABLATIONS)]
    return [
        Cell(data=data, split=SPLIT, model=model, seed=seed)
        for data, model in in_turn + ablations
        for seed in seeds_of[model]
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one model and measures it on the test targets."""
    split = read(data / cell.data).split(cell.split)
    if cell.model in PEERS:
        return measure_peer(
            cell.model,
            PEERS[cell.model],
            cell.data,
            split,
            seed=cell.seed,
            budget_minutes=cell.budget_minutes,
        )
    if (OURS | ABLATIONS)[cell.model].get("text") == "permuted":
        split = with_permuted_text(split, cell.seed)
    model = build(cell.model, cell.seed)
    figures = fit_and_evaluate(model, split, seed=cell.seed)
    if cell.model in ADDED_UP:
        figures["with_linear"] = with_linear_model(model, split, cell.seed)
    return figures


def with_linear_model(model: ft.SequenceRecommender, split: Split, seed: int) -> dict[str, Any]:
    """The fitted model and EASE added up, with weights learnt from the validation targets."""
    linear = ft.EASE(half_life=10)
    figures = fit_and_evaluate(linear, split, seed=seed)
    both = ft.WeightedHybrid(recommenders=[model, linear], seed=seed)
    both.combine(split.train, split.validation)
    return {
        "weights": both.weights,
        "fit_seconds": figures["fit_seconds"],
        "alone": figures["report"],
        "report": ft.evaluate(both, split, seed=seed).to_dict(),
    }


def build(
    name: str, seed: int, kind: type[Model] = ft.SequenceRecommender, **training: Any
) -> Model:
    """Our model under a name of `OURS` or `ABLATIONS`; it is validated on everybody, as peers."""
    settings = (OURS | ABLATIONS)[name].copy()
    text = settings.pop("text", "words")
    training = {"validation_users": 10**9, **settings.pop("training", {}), **training}
    encoder = None if text == "none" else ft.TextEncoder()
    return kind(content=encoder, seed=seed, training=training, **settings)


def with_permuted_text(split: Split, seed: int) -> Split:
    """The split with every item given the words of another: as much text, of no use."""
    items = split.train.items
    order = np.random.default_rng(seed).permutation(len(items))
    permuted = pl.concat([items.select(ITEM_ID), items.drop(ITEM_ID)[order]], how="horizontal")
    return replace(split, train=replace(split.train, items=permuted))


def summary(records: list[Record]) -> dict[str, Any]:
    """Medians over seeds beside the published figures, and what the ablations changed."""
    found: dict[str, Any] = {}
    for data, title in TITLES.items():
        if not done(records, data=data):
            continue
        one_split(records, data=data)
        linear = _with_linear(records)
        both = {model + WITH_LINEAR: _row(linear, data, model) for model in ADDED_UP}
        rows = both | {model: _row(records, data, model) for model in [*OURS, *PEERS]}
        published = {
            f"{model} (published)": {NDCG: value, "status": source}
            for model, value, source in PUBLISHED[data]
        }
        found[f"{data} {SPLIT}"] = {name: row for name, row in rows.items() if row} | published
        ablations = dict(_ablation_rows(records, data))
        if ablations:
            found[f"{title}, one thing changed"] = ablations
    return found


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """What the figures were wanted to be."""
    found = []
    for data, title in TITLES.items():
        ours = median_figure(records, data=data, model=SEQUENCE)
        for model in (model for model, sets in ADDED_UP.items() if data in sets):
            for name, some in ((model, records), (model + WITH_LINEAR, _with_linear(records))):
                got = median_figure(some, data=data, model=model)
                found.append(at_least(f"{title}, {name}: {NDCG}", WANTED[data], got))
        peers = [median_figure(records, data=data, model=peer) for peer in PEERS]
        best = max((peer for peer in peers if peer is not None), default=0.0)
        found.append(at_least(f"{title}, sequence ahead of the best peer: {NDCG}", best, ours))
        control = median_figure(records, data=data, model=PERMUTED)
        name = f"{title}, permuted text (the control) behind the true one: {NDCG}"
        found.append(at_most(name, ours or 0.0, control))
    return found


def _row(records: list[Record], data: str, model: str) -> dict[str, Any]:
    """The line of a model; of one that could not be measured, only why."""
    found = done(records, data=data, model=model)
    if not found:
        cells = [r for r in records if (r["cell"]["data"], r["cell"]["model"]) == (data, model)]
        return {NDCG: None, "status": cells[0]["status"]} if cells else {}
    return {
        NDCG: round(median(figure(r) for r in found), 4),
        RECALL: round(median(figure(r, RECALL) for r in found), 4),
        "seeds": len(found),
        "training seconds": round(median(training_seconds(r) for r in found)),
        "CPU seconds": round(median(r["fit_cpu_seconds"] for r in found)),
        "epochs": round(median(len(r["learning_curve"]) for r in found)),
        "peak MiB": max(r["fit_peak_memory_mib"] for r in found),
        "status": ", ".join(sorted({r["status"] for r in found})),
    }


def _with_linear(records: list[Record]) -> list[Record]:
    """The records of what was added up with EASE, with the figures of the sum for their own."""
    return [
        {**record, "report": record["with_linear"]["report"]}
        for record in records
        if "with_linear" in record
    ]


def training_seconds(record: Record) -> float:
    """Wall time of training, validation left out."""
    return sum(epoch["seconds"] for epoch in record["learning_curve"])


def _ablation_rows(records: list[Record], data: str) -> Iterable[tuple[str, dict[str, Any]]]:
    for model in [WITHOUT_TEXT, DEEP, *ABLATIONS]:
        start = PLAIN if model in _CHANGED else SEQUENCE
        base = median_figure(records, data=data, model=start)
        found = done(records, data=data, model=model)
        if found and base is not None:
            ndcg = median(figure(r) for r in found)
            yield (
                model,
                {
                    NDCG: round(ndcg, 4),
                    "against": start,
                    "difference": f"{100 * (ndcg / base - 1):+.1f}%",
                    "seeds": len(found),
                    "training seconds": round(median(training_seconds(r) for r in found)),
                },
            )
