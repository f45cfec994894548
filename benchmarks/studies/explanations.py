"""Whether reasons are true: how far scores fall without the evidence that is named.

For people drawn from the test targets, the model's best recommendation is explained. The score
without the items of the history that the reason names is held against the score without as many
drawn at random; deletion and insertion curves do the same for ever larger shares of the history.
`default` is what the library explains with: contributions that add up to the score where the model
is a sum and the strongest pass the test (`exact`), else `leave-one-out`; both are measured alone
too. For models that read content: how much validation NDCG@10 is lost when a
field's text is shuffled among the items, and which categories of history items carry scores.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from foretaste.data import Dataset, Split
from foretaste.errors import ForetasteError
from foretaste.models import Recommender
from foretaste.models.reading import encoder_of
from foretaste.ranking.explanation import (
    SHARES,
    Additive,
    Case,
    Explainer,
    category_drivers,
    exact,
    explain_score,
    field_drivers,
    judge_explanations,
    leave_one_out,
)
from harness import Cell
from measuring import read
from studies.main_job import BEAUTY, CONTENT, ML_1M, SEQUENCE
from studies.models import build

SPLIT = "leave-one-out"
WANTED = 3.0
DEFAULT = "default"
CASES, PEOPLE = 300, 1000
#: One of each way to score: by neighbours, factors, a linear map, words, and a network, which is
#: explained after a few epochs as well as after all.
EXPLAINED = ("itemknn", "als", "ease", CONTENT, SEQUENCE)
_EPOCHS = 6


def cells() -> list[Cell]:
    return [
        Cell(data=data, split=SPLIT, model=model, seed=0)
        for data in (BEAUTY, ML_1M)
        for model in EXPLAINED
        if (data, model) != (ML_1M, CONTENT)
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one model and explains its recommendations."""
    dataset = read(data / cell.data)
    split = dataset.split(cell.split)
    settings = {"training": {"epochs": _EPOCHS}} if cell.model == SEQUENCE else {}
    model = build(cell.model, cell.seed, **settings)
    model.fit(split.train, validation=split.validation)
    cases = best_recommendations(model, split, cell.seed)
    explainers: dict[str, Explainer] = {DEFAULT: explain_score, "leave-one-out": leave_one_out}
    if isinstance(model, Additive):
        explainers["exact"] = exact
    return {
        "split_fingerprint": split.fingerprint,
        "shares": SHARES.tolist(),
        "explainers": {name: judged(cases, explainer) for name, explainer in explainers.items()},
        "fields": fields(model, dataset, split),
        "categories": categories(cases, dataset),
    }


def best_recommendations(model: Recommender, split: Split, seed: int) -> list[Case]:
    """The first recommendation to people drawn at random."""
    rows = np.random.default_rng(seed).permutation(len(split.test))[:CASES]
    histories = split.test.take(np.sort(rows)).histories
    best = model.rank(histories, 1).items[:, 0]
    found = (Case(model, histories[row], int(item)) for row, item in enumerate(best))
    return [case for case in found if case.says_something]


def judged(cases: list[Case], explainer: Explainer) -> dict[str, Any]:
    started = time.perf_counter()
    for case in cases[:50]:
        explainer(case)
    seconds = (time.perf_counter() - started) / len(cases[:50])
    found = judge_explanations(cases, explainer)
    return {
        "cases": found.cases,
        "passed_over": found.passed_over,
        "named": round(found.named, 2),
        "named_drop": found.named_drop,
        "random_drop": found.random_drop,
        "ratio": round(found.ratio, 2),
        "ms": round(1e3 * seconds, 2),
        "deletion": found.deletion.tolist(),
        "random_deletion": found.random_deletion.tolist(),
        "insertion": found.insertion.tolist(),
        "random_insertion": found.random_insertion.tolist(),
    }


def fields(model: Recommender, dataset: Dataset, split: Split) -> list[dict[str, Any]] | None:
    """What shuffling each field costs; None for a model that reads none."""
    if encoder_of(model) is None:
        return None
    people = split.validation.take(np.arange(min(PEOPLE, len(split.validation))))
    return field_drivers(model, dataset.items, people).to_dicts()


def categories(cases: list[Case], dataset: Dataset) -> list[dict[str, Any]] | None:
    """The categories that carry most; None where the catalogue has none."""
    try:
        return category_drivers(cases, dataset.items)[:10].to_dicts()
    except ForetasteError:
        return None


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """By data set, model and explainer."""
    done = pl.DataFrame(
        [
            {"title": f"{r['cell']['data']} {SPLIT}", "name": f"{r['cell']['model']}, {name}"}
            | {key: figures[key] for key in ("named", "named_drop", "random_drop", "ratio", "ms")}
            for r in records
            if r["status"] == "done"
            for name, figures in r["explainers"].items()
        ]
    )
    tables: dict[str, Any] = {}
    for row in done.iter_rows(named=True):
        rounded = {key: round(row[key], 4) for key in row if key not in ("title", "name")}
        tables.setdefault(row["title"], {})[row["name"]] = rounded
    return tables


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Named evidence must matter three times as much as random evidence, for every model."""
    found = []
    for cell in cells():
        [record] = [
            r
            for r in records
            if r["status"] == "done"
            and (r["cell"]["data"], r["cell"]["model"]) == (cell.data, cell.model)
        ] or [None]
        got = None if record is None else record["explainers"][DEFAULT]["ratio"]
        found.append(
            {
                "name": f"{cell.data}, {cell.model}: drop of named over random evidence",
                "wanted": f">= {WANTED}",
                "got": got,
                "met": got is not None and got >= WANTED,
            }
        )
    return found
