"""Interest from few labels: the AUC by how many labels were used, and in which way.

On the generated shop (is what was looked at put into the cart) labels are taken away from all
pairs before the test, and given back by and by: at random, those that a model is least sure of
(`active`), at random with the labels of which a model is sure beside them (`pseudo-labels`), and
at random with answers that must stay the same where features are missing, on pairs without labels
too (`consistency`). Labels that stop the training and calibrate are counted among those used. The
body is `mlp`; all ways begin with the same pairs.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean, median
from typing import Any, get_args

import foretaste as ft
from figures import Record, Target, done
from foretaste.data.shop import ShopConfig, generate
from foretaste.models.interest import InterestConfig, QuestionConfig, divide, labelled
from foretaste.models.interest.label_curves import Way, label_curve
from harness import Cell

SHOP = {"items": 400, "people": 1200}
SEEDS = (0, 1, 2)
BUDGETS = (250, 500, 1000, 2000, 4000, 8000)
WAYS: tuple[Way, ...] = get_args(Way)
RANDOM = WAYS[0]
#: Small batches, for of few labels there would else be few steps.
TRAINING = {
    "epochs": 20,
    "patience": 3,
    "batch_tokens": 128,
    "learning_rate": 1e-3,
    "average": 0.99,
}


def cells() -> list[Cell]:
    """Every way on every seed, each seed a shop of its own."""
    return [
        Cell(data="shop", split="carts", model=way, seed=seed) for seed in SEEDS for way in WAYS
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """The curve of one way."""
    dataset = generate(ShopConfig(**SHOP, seed=cell.seed)).dataset
    question = QuestionConfig(shown="view", acted="cart")
    parts = divide(labelled(dataset, question))
    config = InterestConfig.parse(
        {"bodies": ["mlp"], "question": question, "body": {"training": TRAINING}}
    )
    [way] = [way for way in WAYS if way == cell.model]
    curve = label_curve(
        config, parts, way=way, budgets=BUDGETS, seed=cell.seed, content=ft.TextEncoder()
    )
    return {"split_fingerprint": parts.fingerprint, "curve": curve.to_dicts()}


def summary(records: list[Record]) -> dict[str, Any]:
    """A row for each way, a column for each number of labels: medians over seeds."""
    rows: dict[str, Any] = {}
    for way in WAYS:
        found = done(records, model=way)
        if found:
            curves = [[point["auc"] for point in record["curve"]] for record in found]
            columns = zip(BUDGETS, zip(*curves, strict=True), strict=True)
            rows[way] = {f"{n:,} labels": round(median(aucs), 4) for n, aucs in columns}
            rows[way]["seeds"] = len(found)
    return {"shop carts": rows}


def targets(records: list[Record]) -> list[Target]:
    """Each way must be above asking at random, on the mean of its curves."""
    found: list[Target] = []
    for way in WAYS[1:]:
        gains = [
            height(mine) - height(plain)
            for seed in SEEDS
            for mine in done(records, model=way, seed=seed)
            for plain in done(records, model=RANDOM, seed=seed)
        ]
        whole = len(gains) == len(SEEDS)
        found.append(
            {
                "name": f"{way}: mean gain in AUC over asking at random, {len(SEEDS)} shops",
                "wanted": "> 0",
                "got": round(mean(gains), 4) if whole else None,
                "met": whole and mean(gains) > 0,
            }
        )
    return found


def height(record: Record) -> float:
    """The mean of a curve."""
    return mean(point["auc"] for point in record["curve"])
