"""Exposure bias: what people truly like, learnt from a log of what they were shown.

In the generated shop people choose among items that they meet in proportion to an exposure which
has nothing to do with liking, so the log prefers what is shown; the truth is known. Models learn
from the training part of a leave-one-out split with more and more of exposure corrected: EASE and
item neighbours by clipped inverse propensity weights, the sequence model by a prior on its logits.
Exposure is what the shop has recorded of it (`shown`), or popularity in its stead. Here popularity
follows what people like on average more than what they are shown (`popularity_follows`: its
correlations), so that it is a poor stand-in.

Lists of 10, of items with events that the person has not acted on, are judged by the true
preference of the people (a list's mean, in standard deviations above the mean item), by how many of
the 50 items that the person truly likes most are in them (`best`, an NDCG), and by the log itself
(`logged`, NDCG@10 of the held-out action), which shares the bias. `popularity` is the mean log of
the events of recommended items. Strengths are no choice of the study: the target is about 0.5, the
customary one. Half-lives of histories are fixed, and so are the epochs of the sequence model: as it
trains, true preference rises for long after the log's NDCG has come to rest, so that where chance
in the latter stops it changes more than the correction does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import polars as pl

from figures import Record, Target, done
from foretaste.data.shop import ShopConfig, generate
from foretaste.evaluation.protocol import reachable
from foretaste.metrics import hit_positions, ndcg
from foretaste.models import MODELS
from harness import Cell

SEEDS = (0, 1, 2)
CUSTOMARY = 0.5
STRENGTHS = (0.0, 0.25, CUSTOMARY, 0.75, 1.0)
#: Of models that take minutes to fit.
FEW_STRENGTHS = (0.0, CUSTOMARY)
#: The setting of each model that says how much of exposure is corrected.
SETTING = {"ease": "propensity", "itemknn": "propensity", "sequence": "debias"}
#: In place of what models would choose by the log: lists differ by the correction alone.
FIXED: dict[str, dict[str, Any]] = {
    "ease": {"half_life": 5.0},
    "itemknn": {"half_life": 1.0},
    "sequence": {"training": {"epochs": 25}},
}
SHOWN = "shown"
SHOP = {"items": 1000, "people": 4000}
K, BEST, ASKED = 10, 50, 2000


def cells() -> list[Cell]:
    """Every model at every strength, each seed a shop of its own."""
    return [
        Cell(data="shop", split="leave-one-out", model=name, seed=seed)
        for seed in SEEDS
        for name in names()
    ]


def names() -> list[str]:
    """Model and strength, and by what exposure is known where there is any correction."""
    asked = [
        (model, strength)
        for model in SETTING
        for strength in (FEW_STRENGTHS if model == "sequence" else STRENGTHS)
    ]
    plain = [f"{model}-{strength:g}" for model, strength in asked]
    recorded = [f"{model}-{SHOWN}-{strength:g}" for model, strength in asked if strength]
    return [*plain, *recorded]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one model on a shop and judges its lists by the truth and by the log."""
    title, _, strength = cell.model.rpartition("-")
    name, _, recorded = title.partition("-")
    shop = generate(ShopConfig(**SHOP, seed=cell.seed))
    exposure = shop.truth.goods.popularity
    items = shop.dataset.items.with_columns(pl.Series(SHOWN, exposure))
    split = replace(shop.dataset, items=items).split(cell.split)
    corrected = {SETTING[name]: float(strength), "exposure": recorded or None}
    model = MODELS[name](**FIXED[name], **corrected)
    model.fit(split.train)
    targets = reachable(split.test)
    drawn = np.random.default_rng(cell.seed).choice(
        len(targets), min(ASKED, len(targets)), replace=False
    )
    targets = targets.take(np.sort(drawn))
    warm = np.flatnonzero(split.train.item_counts).astype(np.int32)
    lists = model.rank(targets.histories, K, candidates=warm).items
    liking = shop.truth.preference(targets.users[:, None], warm[None])
    liking = (liking - liking.mean(axis=1, keepdims=True)) / liking.std(axis=1, keepdims=True)
    table = np.zeros((len(targets), len(split.train.item_counts)), np.float32)
    table[:, warm] = liking
    events = np.log(split.train.item_counts[warm])
    logged = hit_positions(lists, targets.items.row_of_value, targets.items.values)
    return {
        "settings": model.config.model_dump(mode="json"),
        "split_fingerprint": split.fingerprint,
        "people": len(targets),
        "preference": float(np.take_along_axis(table, lists.astype(np.int64), axis=1).mean()),
        "best": truly_best(table, lists, targets.histories.padded(), warm),
        "logged": float(ndcg(logged, targets.items.lengths).mean()),
        "popularity": float(np.log(split.train.item_counts[lists]).mean()),
        "popularity_follows": {
            "exposure": float(np.corrcoef(events, np.log(exposure[warm - 1]))[0, 1]),
            "mean preference": float(np.corrcoef(events, liking.mean(axis=0))[0, 1]),
        },
    }


def truly_best(
    liking: np.ndarray, lists: np.ndarray, histories: np.ndarray, warm: np.ndarray
) -> float:
    """NDCG@k of lists whose right answers are the items that people like most and have not had."""
    open_to = np.full_like(liking, -np.inf)
    open_to[:, warm] = liking[:, warm]
    np.put_along_axis(open_to, histories.astype(np.int64), -np.inf, axis=1)
    best = np.argpartition(-open_to, BEST, axis=1)[:, :BEST]
    hits = (lists[:, :, None] == best[:, None, :]).any(axis=2)
    return float(ndcg(hits, np.full(len(lists), BEST)).mean())


def summary(records: list[Record]) -> dict[str, Any]:
    """Means over shops, by model and strength."""
    rows = {}
    for name in names():
        found = done(records, model=name)
        if found:
            rows[name] = {"seeds": len(found)} | {
                figure: round(mean(record[figure] for record in found), 4)
                for figure in ("preference", "best", "logged", "popularity")
            }
    return {"shop leave-one-out": rows}


def targets(records: list[Record]) -> list[Target]:
    """The customary correction must bring lists nearer to the truth, in every shop."""
    found = []
    for model in ("ease", "sequence"):
        gains = []
        for seed in SEEDS:
            plain, corrected = (
                done(records, model=name, seed=seed)
                for name in (f"{model}-0", f"{model}-{SHOWN}-{CUSTOMARY:g}")
            )
            if plain and corrected:
                gains.append(corrected[0]["preference"] - plain[0]["preference"])
        found.append(
            {
                "name": f"{model}: least gain in true preference over {len(SEEDS)} shops, "
                f"recorded exposure, strength {CUSTOMARY:g}",
                "wanted": "> 0",
                "got": round(min(gains), 4) if len(gains) == len(SEEDS) else None,
                "met": len(gains) == len(SEEDS) and min(gains) > 0,
            }
        )
    return found
