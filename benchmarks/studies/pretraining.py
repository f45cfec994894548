"""Pretraining: what a language model that knows the shop brings to new items, and what it costs.

The packaged MiniLM is trained further on the catalogue's words (mlm, sections, contrastive with
dropout or field views) or on training events (behaviour: in full, the last two layers, LoRA, IA3,
a prefix; or the last two layers under a small sequence model), and then read by `content`, which
learns nothing, and on Beauty by `sequence`. `frozen` is MiniLM as it is; `permuted` gives every
item the words of another; `scratch` starts from nothing. On the item-cold split a tenth of the
items has no training event: `cold` ranks the full catalogue, `cold_only` those items among
themselves. Words of items without events are read in pretraining, as a shop would; their events
never are. Steps bound what one training may take; validation figures are for choosing, those of
the tables are of the test targets. Seconds and memory are of pretraining alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import foretaste as ft
from figures import NDCG, at_least, done, figure
from foretaste.content import TextEncoderConfig
from foretaste.content.pretraining import PretrainingConfig, ScratchConfig
from foretaste.data import Split
from foretaste.models import MODELS, Recommender
from foretaste.pipeline.pretraining import pretrain_on
from harness import Cell
from measuring import fit_and_evaluate, read
from studies.main_job import BEAUTY, ML_1M, SEEDS
from studies.quality import with_permuted_text

COLD, WARM = "item-cold", "leave-one-out"
FROZEN, PERMUTED = "frozen", "permuted"
_WORDS: dict[str, Any] = {"max_tokens": 48, "batch": 64, "epochs": 2}
_TASTE: dict[str, Any] = {
    "objective": "behaviour",
    "max_tokens": 48,
    "batch": 32,
    "epochs": 1,
    "steps": 120,
}
_FEW: dict[str, Any] = {"learning_rate": 5e-4}
#: On the catalogue's words alone.
SELF_SUPERVISED: dict[str, dict[str, Any]] = {
    "mlm": {**_WORDS, "objective": "mlm"},
    "sections": {**_WORDS, "objective": "sections"},
    "contrastive-dropout": {**_WORDS, "views": "dropout"},
    "contrastive-fields": {**_WORDS, "views": "fields"},
}
ON_BEHAVIOUR: dict[str, dict[str, Any]] = {
    "behaviour": _TASTE,
    "behaviour-last-layers": {**_TASTE, "method": "last-layers", "learning_rate": 1e-4},
    "behaviour-sequence-last-layers": {
        **_TASTE,
        "method": "last-layers",
        "tower": "sequence",
        "learning_rate": 1e-4,
    },
    "behaviour-lora": {**_TASTE, **_FEW, "method": "lora"},
    "behaviour-ia3": {**_TASTE, **_FEW, "method": "ia3", "learning_rate": 2e-3},
    "behaviour-prefix": {**_TASTE, **_FEW, "method": "prefix", "learning_rate": 2e-3},
}
SCRATCH = {"scratch": {**_WORDS, "objective": "mlm", "epochs": 10, "scratch": ScratchConfig()}}
TRAINED = SELF_SUPERVISED | ON_BEHAVIOUR | SCRATCH
ENCODERS = (FROZEN, PERMUTED, *TRAINED)
#: The sequence model takes half an hour on ML-1M, for every encoder.
READERS = {BEAUTY: ("content", "sequence"), ML_1M: ("content",)}


def cells() -> list[Cell]:
    """Every encoder on both sets and splits; more seeds where a claim is made."""
    return [
        Cell(data=data, split=split, model=encoder, seed=seed)
        for data in READERS
        for split in (COLD, WARM)
        for encoder in ENCODERS
        for seed in (SEEDS if data == BEAUTY and split == COLD and encoder in TRAINED else (0,))
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one encoder and measures the models that read it."""
    dataset = read(data / cell.data)
    split = dataset.split(cell.split)
    with tempfile.TemporaryDirectory() as folder:
        told, encoder = adapted(cell, split, Path(folder) / "encoder")
        read_split = with_permuted_text(split, cell.seed) if cell.model == PERMUTED else split
        readers = {
            name: measured(name, encoder, read_split, cell.seed) for name in READERS[cell.data]
        }
    return {
        "dataset_fingerprint": dataset.fingerprint,
        "split_fingerprint": split.fingerprint,
        "pretraining": told,
        "readers": readers,
    }


def adapted(cell: Cell, split: Split, folder: Path) -> tuple[dict[str, Any] | None, ft.TextEncoder]:
    """What pretraining tells of itself, and the encoder."""
    if cell.model not in TRAINED:
        return None, ft.TextEncoder(cache=None)
    config = PretrainingConfig(**TRAINED[cell.model], seed=cell.seed)
    found = pretrain_on(split.train, folder, TextEncoderConfig(), config).to_dict()
    del found["folder"]
    return found, ft.TextEncoder(str(folder), cache=None)


def measured(name: str, encoder: ft.TextEncoder, split: Split, seed: int) -> dict[str, Any]:
    """Test figures, and the one on validation targets by which settings are chosen."""
    settings: dict[str, Any] = {} if name == "content" else {"seed": seed}
    model: Recommender = MODELS[name](content=encoder, **settings)
    figures = fit_and_evaluate(model, split, seed=seed)
    for_choosing = ft.evaluate(model, split, part="validation", resamples=100)
    groups = for_choosing.to_dict()["groups"]
    return figures | {"validation": groups["all"]["metrics"][NDCG]["value"]}


def figure_of(record: dict[str, Any], reader: str, group: str) -> float | None:
    """One figure of a reader's report; None where the split has no such targets."""
    report = record["readers"][reader]
    return figure(report, group=group) if group in report["report"]["groups"] else None


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over seeds, by data set, split, encoder and reader."""
    return {
        f"{data} {split}, read by {reader}": {
            encoder: row(found, reader)
            for encoder in ENCODERS
            if (found := done(records, data=data, split=split, model=encoder))
        }
        for data, readers in READERS.items()
        for split in (COLD, WARM)
        for reader in readers
        if done(records, data=data, split=split)
    }


def row(found: list[dict[str, Any]], reader: str) -> dict[str, Any]:
    """One line of the table."""
    line: dict[str, Any] = {"seeds": len(found)}
    for group in ("all", "warm", "cold", "cold_only"):
        values = [value for r in found if (value := figure_of(r, reader, group)) is not None]
        if values:
            line[f"{group} {NDCG}"] = round(median(values), 4)
    line["validation"] = round(median(r["readers"][reader]["validation"] for r in found), 4)
    costs = [r["pretraining"] for r in found if r["pretraining"]]
    if costs:
        line["trainable share"] = round(costs[0]["trainable"] / costs[0]["weights"], 4)
        line["seconds"] = median(cost["seconds"] for cost in costs)
        line["MiB"] = max(cost["peak_memory_mib"] for cost in costs)
    return line


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """New items are foreseen a tenth better than by the frozen encoder, and words count."""

    def cold(encoder: str) -> float | None:
        found = done(records, data=BEAUTY, split=COLD, model=encoder)
        values = [figure_of(record, "content", "cold") or 0.0 for record in found]
        return median(values) if values else None

    frozen = cold(FROZEN) or 0.0

    def best(encoders: dict[str, Any]) -> float | None:
        return max((value for name in encoders if (value := cold(name)) is not None), default=None)

    return [
        at_least(
            f"Beauty item-cold, read by content, best of {', '.join(SELF_SUPERVISED)}: cold {NDCG}",
            1.1 * frozen,
            best(SELF_SUPERVISED),
        ),
        at_least(
            f"Beauty item-cold, read by content, best of those tuned on behaviour: cold {NDCG}",
            1.1 * frozen,
            best(ON_BEHAVIOUR),
        ),
        at_least(
            f"Beauty item-cold, frozen over permuted words: cold {NDCG}",
            2 * (cold(PERMUTED) or 0.0),
            frozen,
        ),
    ]
