"""Cold start: how quality grows with what is known of a person, and of an item.

Test targets of a leave-one-out split, asked with only the last 0, 1, 2, 5, 10 and 20 actions before
the target; everywhere the same people, those with 20. Without any action there are, beside
popularity, the popularity in the person's groups (age, gender, occupation; `newcomers-group`) and
stated interests: a text of the three categories that are most frequent in the person's training
history, which stands for what they would say (`newcomers-interests`, `newcomers-both`). On the
item-cold split the targets are items without any training event, ranked among their like for the
same lengths of history: `popularity` knows nothing of them and gives the level of chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import foretaste as ft
from figures import Record, Target, done
from foretaste.data import Dataset, Split, Targets
from foretaste.data.schema import USER_ID
from foretaste.evaluation import by_history_length, ranks_of
from foretaste.evaluation.cold_start import LENGTHS
from foretaste.models import MODELS, Recommender
from foretaste.models.newcomers import INTERESTS
from foretaste.models.top_k import top_k
from harness import Cell
from measuring import read

#: Attributes of the people, by set.
ATTRIBUTES = {
    "ml-100k": ("age", "gender", "occupation"),
    "ml-1m": ("age", "gender", "occupation"),
    "amazon-beauty": (),
}
MODELS_ASKED = ("popularity", "itemknn", "als", "ease", "content", "sequence")
#: What is told of somebody without any action, by name: their groups, their interests.
NEWCOMERS = {
    "newcomers-group": (True, False),
    "newcomers-interests": (False, True),
    "newcomers-both": (True, True),
}
ITEM_COLD = ("popularity", "content", "sequence")
STATED = 3
#: Category names that say nothing of an interest.
_EVERYTHING = ("Beauty",)


def cells() -> list[Cell]:
    """Models on known items, newcomers without a history, and models on new items."""
    return [
        *(
            Cell(data=data, split="leave-one-out", model=model, seed=0)
            for data, attributes in ATTRIBUTES.items()
            for model in (*MODELS_ASKED, *NEWCOMERS)
            if attributes or not NEWCOMERS.get(model, (False, False))[0]
        ),
        *(
            Cell(data=data, split="item-cold", model=model, seed=0)
            for data in ATTRIBUTES
            for model in ITEM_COLD
        ),
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """The curve of one model, or the one point of newcomers."""
    dataset = read(data / cell.data)
    split = dataset.split(cell.split)
    if cell.model in NEWCOMERS:
        table = newcomers(cell, dataset, split)
    else:
        model = build(cell.model, cell.seed).fit(split.train, validation=split.validation)
        cold = np.flatnonzero(split.train.item_counts == 0).astype(np.int32)[1:]
        candidates = cold if cell.split == "item-cold" else None
        table = by_history_length(ranks_of(model, candidates), split.test)
    return {
        "dataset_fingerprint": dataset.fingerprint,
        "split_fingerprint": split.fingerprint,
        "curve": table.to_dicts(),
    }


def build(name: str, seed: int) -> Recommender:
    """A model with its defaults; the sequence model reads the items' words."""
    fields = MODELS[name].config_class.model_fields
    settings: dict[str, Any] = {"seed": seed} if "seed" in fields else {}
    return MODELS[name](
        **settings, **({"content": ft.TextEncoder()} if "content" in fields else {})
    )


def newcomers(cell: Cell, dataset: Dataset, split: Split) -> pl.DataFrame:
    """Quality for the same people as if each of them were new.

    The groups' likings are learnt from everybody's training history, the person's own among them:
    one of thousands.
    """
    group, interests = NEWCOMERS[cell.model]
    names = ATTRIBUTES[cell.data] if group else ()
    answers = ft.Newcomers(
        ft.Popularity().fit(split.train),
        users=dataset.users,
        attributes=names,
        items=dataset.items,
        encoder=ft.TextEncoder() if interests else None,
    )
    told = [pl.Series(USER_ID, np.arange(1, len(dataset.users) + 1))]
    told += [dataset.users[name] for name in names]
    if interests:
        told.append(stated_interests(split.train))
    people = pl.DataFrame(told)

    def ranks(targets: Targets, k: int) -> np.ndarray:
        scores = answers.scores(people[targets.users - 1])
        scores[:, 0] = -np.inf
        return top_k(scores, k)[0]

    asked = split.test.take(np.flatnonzero(split.test.histories.lengths >= max(LENGTHS)))
    return by_history_length(ranks, asked, lengths=(0,))


def stated_interests(train: Dataset) -> pl.Series:
    """What people might say of themselves: their most frequent categories, as a text."""
    listed = train.items["categories"]
    named = pl.DataFrame({"item": np.arange(1, len(listed) + 1), "category": listed})
    if isinstance(listed.dtype, pl.List):
        named = named.explode("category")
    acted = pl.DataFrame({"user": train.user_codes, "item": train.item_codes.astype(np.int64)})
    counts = (
        acted.join(named, on="item")
        .filter(pl.col("category").is_not_null() & ~pl.col("category").is_in(_EVERYTHING))
        .group_by("user", "category")
        .len()
        .sort("user", "len", "category", descending=[False, True, False])
    )
    texts = counts.group_by("user", maintain_order=True).agg(pl.col("category").head(STATED))
    texts = texts.with_columns(pl.col("category").list.join(", "))
    everybody = pl.DataFrame({"user": np.arange(1, len(train.user_vocabulary) + 1, dtype=np.int32)})
    joined = everybody.join(texts, on="user", how="left", maintain_order="left")
    return joined["category"].alias(INTERESTS)


def summary(records: list[Record]) -> dict[str, Any]:
    """NDCG@10 by length of history."""
    found: dict[str, Any] = {}
    for record in done(records):
        cell = record["cell"]
        rows = found.setdefault(f"{cell['data']} {cell['split']}", {})
        rows[cell["model"]] = {
            f"{point['history']} actions": round(point["ndcg"], 4) for point in record["curve"]
        }
    return found


def targets(records: list[Record]) -> list[Target]:
    """What is known of a person without actions, or of an item, must be worth something."""
    found = []
    for data, attributes in ATTRIBUTES.items():
        told = [name for name in NEWCOMERS if attributes or not NEWCOMERS[name][0]]
        pairs = [("leave-one-out", name, "a new person, no action") for name in told]
        pairs.append(("item-cold", "sequence", "a new item, 5 actions"))
        found += [
            ahead(records, data, split, model, title, 5 if split == "item-cold" else 0)
            for split, model, title in pairs
        ]
    return found


def ahead(
    records: list[Record], data: str, split: str, model: str, title: str, actions: int
) -> Target:
    """Whether a model's interval lies above the figure of popularity."""
    point, floor = (
        at(done(records, data=data, split=split, model=name), actions)
        for name in (model, "popularity")
    )
    met = point is not None and floor is not None and point["low"] > floor["ndcg"]
    return {
        "name": f"{data}, {title}: {model} ahead of popularity, NDCG@10 (low end)",
        "wanted": "-" if floor is None else f"> {floor['ndcg']:.4f}",
        "got": None if point is None else round(point["low"], 4),
        "met": met,
    }


def at(records: Sequence[Record], actions: int) -> dict[str, Any] | None:
    """The point of a curve."""
    points = [p for record in records for p in record["curve"] if p["history"] == actions]
    return points[0] if points else None
