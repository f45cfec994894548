"""What diversity costs: NDCG@10 against diversity, novelty and coverage along every slider.

Lists of item neighbours, on the test targets of a leave-one-out split, go through one term of the
diversity stage at a time, from slider 0 (the ranking untouched) up, among the 100 best candidates
a person. Diversity is 1 - the mean cosine of the categories of a list's items, novelty their mean
self-information in bits, coverage the share of the catalogue that anybody is shown, divergence the
mean KL of a list's mix of categories from the person's own (calibration lowers it). The cost is
the milliseconds a person.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import foretaste as ft
from figures import done
from foretaste.data import Split
from foretaste.evaluation import beyond_accuracy
from foretaste.evaluation.protocol import reachable
from foretaste.metrics import hit_positions, ndcg
from foretaste.ranking import Catalogue, RankingConfig, RankingPipeline, Request
from harness import Cell

DATA = ("ml-100k", "ml-1m", "amazon-beauty")
SPLIT = "leave-one-out"
METHODS = ("mmr", "dpp", "xquad", "calibration", "category_cap", "popularity")
SLIDER = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
K, POOL = 10, 100
#: Of the NDCG without any diversity, how much may be paid for what is gained.
KEPT = 0.95
#: What each method is there for, and whether more of it is better.
AIMS = {
    "mmr": ("diversity", 1),
    "dpp": ("diversity", 1),
    "xquad": ("diversity", 1),
    "calibration": ("divergence", -1),
    "category_cap": ("diversity", 1),
    "popularity": ("novelty", 1),
}


def cells() -> list[Cell]:
    """Every method on every set."""
    return [
        Cell(data=data, split=SPLIT, model=method, seed=0) for data in DATA for method in METHODS
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """One method at every place of its slider."""
    dataset = ft.read(data / cell.data)
    split = dataset.split(cell.split)
    model = ft.ItemKNN().fit(split.train)
    catalogue = Catalogue.of(model, dataset.items)
    return {
        "dataset_fingerprint": dataset.fingerprint,
        "split_fingerprint": split.fingerprint,
        "curve": [at(cell.model, strength, catalogue, model, split) for strength in SLIDER],
    }


def at(
    method: str, strength: float, catalogue: Catalogue, model: ft.ItemKNN, split: Split
) -> dict[str, float]:
    """The figures of a method at one place of its slider."""
    config = RankingConfig.parse({"pool": POOL, "diversity": {method: strength, "pool": POOL}})
    targets = reachable(split.test)
    started = time.perf_counter()
    lists, trace = RankingPipeline(config, catalogue, model).rank(Request.of(targets.histories, K))
    seconds = time.perf_counter() - started
    stages = trace.table()
    spent = stages.filter(stages["stage"] == "diversity")["milliseconds"].sum()
    shown = lists.items.padded(K)
    hits = hit_positions(shown, targets.items.row_of_value, targets.items.values)
    categories = catalogue.categories("categories", "")
    diversity = beyond_accuracy.diversity(shown, categories)
    return {
        "slider": strength,
        "ndcg": float(ndcg(hits, targets.items.lengths).mean()),
        "diversity": float(np.nanmean(diversity)),
        "novelty": float(np.nanmean(beyond_accuracy.novelty(shown, catalogue.counts))),
        "coverage": len(np.unique(shown[shown > 0])) / len(catalogue.items),
        "divergence": divergence(shown, targets.histories.padded(), categories.toarray()),
        "stage_ms": spent / len(targets),
        "all_ms": 1000 * seconds / len(targets),
    }


def divergence(lists: np.ndarray, histories: np.ndarray, categories: np.ndarray) -> float:
    """Mean KL divergence of lists' mixes from the people's own, smoothed with 1% of these."""
    shares = categories / np.maximum(categories.sum(axis=1, keepdims=True), 1)
    p, q = (mix(items, shares) for items in (histories, lists))
    q = 0.99 * q + 0.01 * p
    ratio = np.where(p > 0, p / np.maximum(q, 1e-12), 1)
    return float((p * np.log(ratio)).sum(axis=1).mean())


def mix(items: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Mean category shares of the items of each row; padding has none."""
    sums = np.stack([shares[row].sum(axis=0) for row in items])
    return sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-12)


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """By data set: the ranking untouched, and every method where it keeps 95% of the NDCG."""
    found: dict[str, Any] = {}
    for record in done(records):
        cell, curve = record["cell"], record["curve"]
        rows = found.setdefault(f"{cell['data']} {cell['split']}", {"untouched": shown(curve[0])})
        rows[cell["model"]] = shown(affordable(curve))
    return found


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At 95% of the NDCG, every method must give more of what it is there for."""
    found = []
    for record in done(records):
        method, curve = record["cell"]["model"], record["curve"]
        figure, sign = AIMS[method]
        before, after = curve[0][figure], affordable(curve)[figure]
        found.append(
            {
                "name": f"{record['cell']['data']}, {method}: {figure} at 95% of the NDCG@10",
                "wanted": f"{'>' if sign > 0 else '<'} {before:.4f}",
                "got": round(after, 4),
                "met": sign * (after - before) > 0,
            }
        )
    return found


def affordable(curve: list[dict[str, float]]) -> dict[str, float]:
    """The furthest place of a slider up to which the NDCG is kept."""
    least = KEPT * curve[0]["ndcg"]
    kept = [place for place, point in enumerate(curve) if point["ndcg"] < least]
    return curve[kept[0] - 1 if kept else -1]


def shown(point: dict[str, float]) -> dict[str, float]:
    """The figures of a row of the table."""
    return {name: round(value, 4) for name, value in point.items()}
