"""Several goals learnt at once, against one model each: carts, and purchases after them.

On the generated shop, what is looked at may be put into the cart, and what is in the cart may be
bought, each by true preference, the latter also by the device. Pairs are looks, divided in time;
every model is the body `mlp` over the same kinds of features, asked in streaming. `alone` is one
model for each goal. The others learn both at once and share vectors only (`vectors`), all hidden
layers (`bottom`) or experts mixed by gates (`experts`); of these, purchases are those of pairs
that are put into the cart and then bought, learnt over all pairs (`after`), or asked for by
themselves. What is learnt at once also reads the counts and rates of both goals, `alone` those of
its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import foretaste as ft
from figures import Record, Target, done
from foretaste.data import Dataset
from foretaste.data.shop import ShopConfig, generate
from foretaste.evaluation.interest import evaluate_interest
from foretaste.models.interest import InterestModel, QuestionConfig, divide, labelled
from harness import Cell, cpu_seconds

SHOP = {"items": 800, "people": 4000}
SEEDS = (0, 1, 2)
SPLIT, HISTORY = "carts and purchases", "streaming"
ALONE, AFTER = "alone", "after"
SHARINGS = ("vectors", "bottom", "experts")
GOALS = ("cart", "purchase")
SHOWN = ("auc", "gauc", "log_loss", "ece")


def cells() -> list[Cell]:
    """One model each, then every way of sharing with and without purchases after carts."""
    together = [f"{sharing}{end}" for sharing in SHARINGS for end in ("", f", {AFTER}")]
    return [
        Cell(data="shop", split=SPLIT, model=model, seed=seed)
        for seed in SEEDS
        for model in (ALONE, *together)
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Fits what foresees both goals and measures each of them."""
    dataset = generate(ShopConfig(**SHOP, seed=cell.seed)).dataset
    started, cpu = time.perf_counter(), cpu_seconds()
    if cell.model == ALONE:
        found = {
            goal: values for asked in GOALS for goal, values in of_goals(dataset, cell, (asked,))
        }
    else:
        found = dict(of_goals(dataset, cell, GOALS))
    return {
        "fit_and_test_seconds": round(time.perf_counter() - started, 1),
        "fit_and_test_cpu_seconds": round(cpu_seconds() - cpu, 1),
        "goals": found,
    }


def of_goals(
    dataset: Dataset, cell: Cell, asked: tuple[str, ...]
) -> list[tuple[str, dict[str, float]]]:
    """The figures of each of the goals that one model foresees."""
    question = question_of(cell.model, asked)
    parts = divide(labelled(dataset, question))
    sharing = cell.model.partition(", ")[0]
    model = InterestModel(
        content=ft.TextEncoder(),
        bodies=("mlp",),
        question=question,
        body={} if sharing == ALONE else {"sharing": sharing},
        seed=cell.seed,
    )
    model.fit(parts.train, parts.validation)
    report = evaluate_interest(model, parts, histories=(HISTORY,))
    figures = {
        goal.name: {name: report.figure(HISTORY, goal, name) for name in SHOWN}
        for goal in report.goals
    }
    return [
        (goal, {n: v for n, v in values.items() if v is not None})
        for goal, values in figures.items()
    ]


def question_of(model: str, asked: tuple[str, ...]) -> QuestionConfig:
    """What a model of these goals is asked."""
    goals: dict[str, dict[str, str]] = {goal: {"acted": goal} for goal in asked}
    if model.endswith(AFTER):
        goals["purchase"]["after"] = "cart"
    return QuestionConfig.parse({"shown": "view", "goals": goals})


def summary(records: list[Record]) -> dict[str, Any]:
    """A table for each goal, a row for each model: medians over seeds."""
    names = list(dict.fromkeys(cell.model for cell in cells()))
    return {
        f"shop {SPLIT}: {goal}": {
            name: {figure: figure_of(found, goal, figure) for figure in SHOWN}
            | {"seeds": len(found), "seconds": round(median(r["seconds"] for r in found))}
            for name in names
            if (found := done(records, model=name))
        }
        for goal in GOALS
    }


def figure_of(records: list[Record], goal: str, figure: str) -> float:
    """The median over seeds."""
    return round(median(record["goals"][goal][figure] for record in records), 4)


def targets(records: list[Record]) -> list[Target]:
    """Learnt together, purchases must be foreseen better than alone, and carts no worse."""
    alone = done(records, model=ALONE)
    found: list[Target] = []
    for goal, least in (("purchase", 0.0), ("cart", -0.002)):
        together = done(records, model=f"experts, {AFTER}")
        gain = None
        if alone and together:
            gain = figure_of(together, goal, "auc") - figure_of(alone, goal, "auc")
        found.append(
            {
                "name": f"{goal}: AUC of experts, {AFTER}, less that of one model each",
                "wanted": f"> {least:g}",
                "got": None if gain is None else round(gain, 4),
                "met": gain is not None and gain > least,
            }
        )
    return found
