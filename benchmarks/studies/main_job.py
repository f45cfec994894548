"""The main job: the sequence model with text against its baselines, full ranking, three seeds.

ML-1M is cut to its 5-core (6,040 people, 3,416 films), as in the published figures; Beauty comes
as a 5-core. Every model runs with its default settings, the same on both sets; they were chosen on
validation targets, and what is reported is of the test targets. On the item-cold split a tenth of
the items has no training event: `cold` ranks the full catalogue for people whose targets are such
items, `cold_only` ranks the cold items among themselves.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import foretaste as ft
from figures import NDCG, at_least, done, figure, median_figure
from foretaste.models import MODELS, Recommender
from harness import Cell
from measuring import fit_and_evaluate, read

SEEDS = (0, 1, 2)
SEQUENCE, CONTENT = "sequence", "content"
BASELINES = ("popularity", "itemknn", "als", CONTENT)
#: Nothing in them is random, so one run says everything.
DETERMINISTIC = ("popularity", "itemknn", CONTENT)
ML_1M, BEAUTY = "ml-1m", "amazon-beauty"
COMPARED = (*BASELINES, SEQUENCE)


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
    measured = fit_and_evaluate(build(cell.model, cell.seed), split, seed=cell.seed)
    return {"dataset_fingerprint": dataset.fingerprint, **measured}


def build(name: str, seed: int) -> Recommender:
    """A model with its defaults; the sequence model reads the items' words."""
    settings: dict[str, Any] = {} if name in DETERMINISTIC else {"seed": seed}
    if name == SEQUENCE:
        settings["content"] = ft.TextEncoder()
    return MODELS[name](**settings)


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over seeds, by data set, split and model."""
    return {
        f"{data} {split}": {
            model: {
                "seeds": len(found),
                **{
                    f"{group} {NDCG}": round(median(figure(r, group=group) for r in found), 4)
                    for group in found[0]["report"]["groups"]
                },
                "fit_seconds": median(r["fit_seconds"] for r in found),
                "fit_peak_memory_mib": max(r["fit_peak_memory_mib"] for r in found),
            }
            for model in COMPARED
            if (found := done(records, data=data, split=split, model=model))
        }
        for data in (BEAUTY, ML_1M)
        for split in ("leave-one-out", "item-cold")
        if done(records, data=data, split=split, model=SEQUENCE)
    }


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the figures were wanted to be."""

    def got(data: str, model: str, split: str = "leave-one-out", group: str = "all"):
        return median_figure(records, group=group, data=data, model=model, split=split)

    found = [
        at_least(f"Beauty, sequence with text: {NDCG}", 0.054, got(BEAUTY, SEQUENCE)),
        at_least(f"ML-1M, sequence with text: {NDCG}", 0.165, got(ML_1M, SEQUENCE)),
    ]
    for data in (BEAUTY, ML_1M):
        best = max(got(data, model) or 0.0 for model in BASELINES)
        name = f"{data}, sequence ahead of the best of {', '.join(BASELINES)}: {NDCG}"
        found.append(at_least(name, best, got(data, SEQUENCE)))
    found += [
        at_least(
            f"Beauty item-cold, {group}, sequence ahead of text similarity: {NDCG}",
            got(BEAUTY, CONTENT, "item-cold", group) or 0.0,
            got(BEAUTY, SEQUENCE, "item-cold", group),
        )
        for group in ("cold", "cold_only")
    ]
    measured = done(records, data=ML_1M, split="leave-one-out", model=SEQUENCE)
    memory = max((record["fit_peak_memory_mib"] for record in measured), default=None)
    found.append(
        {
            "name": "ML-1M, peak resident memory of the training process, MiB",
            "wanted": "< 2048",
            "got": memory,
            "met": memory is not None and memory < 2048,
        }
    )
    return found
