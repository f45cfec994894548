"""The main job: the sequence model with text against its baselines, full ranking, three seeds.

ML-1M is cut to its 5-core (6,040 people, 3,416 films), as in the published figures; Beauty comes
as a 5-core. Every model runs with its default settings, the same on both sets; they were chosen on
validation targets, and what is reported is of the test targets. On the item-cold split a tenth of
the items has no training event: `cold` ranks the full catalogue for people whose targets are such
items, `cold_only` ranks the cold items among themselves.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import foretaste as ft
from foretaste.data import CleaningConfig, Dataset, clean
from foretaste.models import MODELS, Recommender
from harness import Cell, peak_memory_mib

SEEDS = (0, 1, 2)
SEQUENCE, CONTENT = "sequence", "content"
BASELINES = ("popularity", "itemknn", "als", CONTENT)
#: Nothing in them is random, so one run says everything.
DETERMINISTIC = ("popularity", "itemknn", CONTENT)
ML_1M, BEAUTY = "ml-1m", "amazon-beauty"
COMPARED = (*BASELINES, SEQUENCE)
METRIC = "NDCG@10"
FIVE_CORE = CleaningConfig(
    impossible_times=False,
    exact_duplicates=False,
    repeat_seconds=None,
    min_user_events=5,
    min_item_events=5,
    only_with_events=True,
)


def cells() -> list[Cell]:
    """Every model on both sets, and those that can tell unseen items apart on the cold split."""
    beauty = [(BEAUTY, "leave-one-out", model) for model in COMPARED]
    cold = [(BEAUTY, "item-cold", model) for model in (CONTENT, SEQUENCE)]
    ml_1m = [(ML_1M, "leave-one-out", model) for model in COMPARED]
    return [
        Cell(data=data, split=split, model=model, seed=seed)
        for data, split, model in beauty + cold + ml_1m
        for seed in (SEEDS[:1] if model in DETERMINISTIC else SEEDS)
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one model and measures it on the test targets."""
    dataset = read(data / cell.data)
    split = dataset.split(cell.split)
    model = build(cell.model, cell.seed)
    started = time.perf_counter()
    model.fit(split.train, validation=split.validation)
    seconds = time.perf_counter() - started
    memory = peak_memory_mib()
    report = ft.evaluate(model, split, seed=cell.seed)
    return {
        "settings": model.config.model_dump(mode="json"),
        "dataset_fingerprint": dataset.fingerprint,
        "split_fingerprint": split.fingerprint,
        "fit_seconds": round(seconds, 1),
        "fit_peak_memory_mib": memory,
        "learning_curve": learning_curve(model),
        "report": report.to_dict(),
    }


def read(folder: Path) -> Dataset:
    """The set, cut to its 5-core, without catalogue items that nobody touched."""
    dataset, _ = clean(ft.read(folder), FIVE_CORE)
    return dataset


def build(name: str, seed: int) -> Recommender:
    """A model with its defaults; the sequence model reads the items' words."""
    settings: dict[str, Any] = {} if name in DETERMINISTIC else {"seed": seed}
    if name == SEQUENCE:
        settings["content"] = ft.TextEncoder()
    return MODELS[name](**settings)


def learning_curve(model: Recommender) -> list[dict[str, Any]] | None:
    """Loss, validation metric and seconds of every epoch, for models trained in epochs."""
    if not isinstance(model, ft.SequenceRecommender):
        return None
    return [vars(epoch) for epoch in model.training_history.epochs]


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over seeds, by data set, split and model."""
    return {
        f"{data} {split}": {
            model: {
                "seeds": len(found),
                **{
                    f"{group} {METRIC}": round(median(_figure(r, group) for r in found), 4)
                    for group in found[0]["report"]["groups"]
                },
                "fit_seconds": median(r["fit_seconds"] for r in found),
                "fit_peak_memory_mib": max(r["fit_peak_memory_mib"] for r in found),
            }
            for model in COMPARED
            if (found := _done(records, data, split, model))
        }
        for data in (BEAUTY, ML_1M)
        for split in ("leave-one-out", "item-cold")
        if _done(records, data, split, SEQUENCE)
    }


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the figures were wanted to be."""
    found = [
        _at_least("Beauty, sequence with text", 0.054, _medians(records, BEAUTY, SEQUENCE)),
        _at_least("ML-1M, sequence with text", 0.165, _medians(records, ML_1M, SEQUENCE)),
    ]
    for data in (BEAUTY, ML_1M):
        best = max(_medians(records, data, model) or 0.0 for model in BASELINES)
        name = f"{data}, sequence ahead of the best of {', '.join(BASELINES)}"
        found.append(_at_least(name, best, _medians(records, data, SEQUENCE)))
    found += [
        _at_least(
            f"Beauty item-cold, {group}, sequence ahead of text similarity",
            _medians(records, BEAUTY, CONTENT, "item-cold", group) or 0.0,
            _medians(records, BEAUTY, SEQUENCE, "item-cold", group),
        )
        for group in ("cold", "cold_only")
    ]
    memory = [r["fit_peak_memory_mib"] for r in _done(records, ML_1M, "leave-one-out", SEQUENCE)]
    got = max(memory, default=None)
    found.append(
        {
            "name": "ML-1M, peak resident memory of the training process, MiB",
            "wanted": "< 2048",
            "got": got,
            "met": got is not None and got < 2048,
        }
    )
    return found


def _at_least(name: str, wanted: float, got: float | None) -> dict[str, Any]:
    shown = None if got is None else round(got, 5)
    met = got is not None and got >= wanted and got > 0
    return {"name": f"{name}: {METRIC}", "wanted": f">= {wanted:.4f}", "got": shown, "met": met}


def _medians(
    records: list[dict[str, Any]],
    data: str,
    model: str,
    split: str = "leave-one-out",
    group: str = "all",
) -> float | None:
    figures = [_figure(record, group) for record in _done(records, data, split, model)]
    return median(figures) if figures else None


def _figure(record: dict[str, Any], group: str) -> float:
    return record["report"]["groups"][group]["metrics"][METRIC]["value"]


def _done(records: list[dict[str, Any]], data: str, split: str, model: str) -> list[dict[str, Any]]:
    wanted = {"data": data, "split": split, "model": model}
    return [
        record
        for record in records
        if record["status"] == "done" and wanted.items() <= record["cell"].items()
    ]
