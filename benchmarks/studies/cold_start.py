"""Cold start: how quality grows with what is known of a person, and of an item.

Test targets of a leave-one-out split, asked with only the last 0, 1, 2, 5, 10 and 20 actions before
the target; everywhere the same people, those with 20, the same targets and the same open items,
all that the person has not had.

Somebody's latest actions are not those of a newcomer, whose first ones they are. So a tenth of the
people is held out whole, and models are asked what came after their first 0, 1, 2, 5 and 10 actions
(`first-actions`); there the question changes with the length. `sequence-cut` trains on histories
half of which are cut in two, so that it meets a few actions from the middle of a history as well.

On the random split a fifth of the people were never met at all. They are asked for every other one
of their actions (`0 actions`: nothing is shown), with popularity, with the popularity in their
groups (age, gender, occupation; `newcomers-group`) and with stated interests: a text of the three
categories that are most frequent among their remaining actions, which stands for what they would
say (`newcomers-interests`, `newcomers-both`). Veterans of the other split can't be asked so: what
people like them like they have had.

On the item-cold split the targets are items without any training event, ranked among their like,
for people with 5 actions before the first of them: `popularity` knows nothing of such items and
gives the level of chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import foretaste as ft
from figures import Record, Target, done
from foretaste.data import Dataset, Ragged, Split, Targets
from foretaste.evaluation import by_first_actions, by_history_length
from foretaste.evaluation.cold_start import LENGTHS
from foretaste.models import MODELS, Recommender
from foretaste.models.newcomers import INTERESTS
from harness import Cell
from measuring import read

#: Attributes of the people, by set.
ATTRIBUTES = {
    "ml-100k": ("age", "gender", "occupation"),
    "ml-1m": ("age", "gender", "occupation"),
    "amazon-beauty": (),
}
#: The sequence model of histories half of which are cut in two, at another place in each epoch.
CUT = "sequence-cut"
MODELS_ASKED = ("popularity", "itemknn", "als", "ease", "content", "sequence", CUT)
#: What is told of somebody without any action, by name: their groups, their interests.
NEWCOMERS = {
    "popularity": (False, False),
    "newcomers-group": (True, False),
    "newcomers-interests": (False, True),
    "newcomers-both": (True, True),
}
ITEM_COLD = ("popularity", "content", "sequence")
#: People who were never met, by their first actions; the random split's.
FIRST = "first-actions"
#: Before the first new item most people have done little.
LENGTHS_COLD = LENGTHS[:4]
STATED = 3
#: Category names that say nothing of an interest.
_EVERYTHING = ("Beauty",)


def cells() -> list[Cell]:
    """Models on known items, what newcomers are told, and models on new items."""
    return [
        *(
            Cell(data=data, split=split, model=model, seed=0)
            for split in ("leave-one-out", FIRST)
            for data in ATTRIBUTES
            for model in MODELS_ASKED
        ),
        *(
            Cell(data=data, split="random", model=model, seed=0)
            for data, attributes in ATTRIBUTES.items()
            for model in NEWCOMERS
            if attributes or not NEWCOMERS[model][0]
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
    split = dataset.split("random" if cell.split == FIRST else cell.split)
    table = newcomers(cell, dataset, split) if cell.split == "random" else curve(cell, split)
    return {
        "dataset_fingerprint": dataset.fingerprint,
        "split_fingerprint": split.fingerprint,
        "curve": table.to_dicts(),
    }


def curve(cell: Cell, split: Split) -> pl.DataFrame:
    """Quality of a model by what is known of a person."""
    model = build(cell.model, cell.seed).fit(split.train, validation=split.validation)

    def scores(people: Targets) -> NDArray[np.float32]:
        return model.score_all(people.histories)

    if cell.split == FIRST:
        return by_first_actions(scores, split.test)
    if cell.split == "item-cold":
        cold = np.flatnonzero(split.train.item_counts == 0).astype(np.int32)[1:]
        return by_history_length(scores, split.test, lengths=LENGTHS_COLD, candidates=cold)
    return by_history_length(scores, split.test)


def build(name: str, seed: int) -> Recommender:
    """A model with its defaults; the sequence model reads the items' words."""
    if name == CUT:
        return ft.SequenceRecommender(content=ft.TextEncoder(), seed=seed, cuts=0.5)
    fields = MODELS[name].config_class.model_fields
    settings: dict[str, Any] = {"seed": seed} if "seed" in fields else {}
    return MODELS[name](
        **settings, **({"content": ft.TextEncoder()} if "content" in fields else {})
    )


def newcomers(cell: Cell, dataset: Dataset, split: Split) -> pl.DataFrame:
    """Quality for people who were never met."""
    group, interests = NEWCOMERS[cell.model]
    names = ATTRIBUTES[cell.data] if group else ()
    answers = ft.Newcomers(
        ft.Popularity().fit(split.train),
        users=dataset.users,
        attributes=names,
        items=dataset.items,
        encoder=ft.TextEncoder() if interests else None,
    )
    told, asked = strangers(dataset, split)
    people = pl.DataFrame([pl.Series("row", np.arange(len(asked)))]).with_columns(
        dataset.users[name].gather(asked.users - 1) for name in names
    )
    if interests:
        people = people.with_columns(stated_interests(told, dataset.items))
    row_of = {int(user): row for row, user in enumerate(asked.users)}
    return by_history_length(
        lambda some: answers.scores(people[[row_of[int(user)] for user in some.users]]),
        asked,
        lengths=(0,),
    )


def strangers(dataset: Dataset, split: Split) -> tuple[Ragged, Targets]:
    """The people who were held out whole: every other action of theirs, and the rest to foresee."""
    users = np.sort(np.concatenate([split.validation.users, split.test.users]))
    whole = dataset.histories().take(users - 1)
    rows = whole.row_of_value.astype(np.int32)
    told = (np.arange(len(rows)) - whole.offsets[rows]) % 2 == 0
    halves = [Ragged.from_groups(whole.values[w], rows[w], len(users)) for w in (told, ~told)]
    nothing = Ragged.from_rows([[]] * len(users))
    return halves[0], Targets(users, nothing, halves[1])


def stated_interests(histories: Ragged, items: pl.DataFrame) -> pl.Series:
    """What people might say of themselves: their most frequent categories, as a text."""
    listed = items["categories"]
    named = pl.DataFrame({"item": np.arange(1, len(listed) + 1), "category": listed})
    if isinstance(listed.dtype, pl.List):
        named = named.explode("category")
    rows = histories.row_of_value
    acted = pl.DataFrame({"row": rows, "item": histories.values.astype(np.int64)})
    counts = (
        acted.join(named, on="item")
        .filter(pl.col("category").is_not_null() & ~pl.col("category").is_in(_EVERYTHING))
        .group_by("row", "category")
        .len()
        .sort("row", "len", "category", descending=[False, True, False])
    )
    texts = counts.group_by("row", maintain_order=True).agg(pl.col("category").head(STATED))
    texts = texts.with_columns(pl.col("category").list.join(", "))
    everybody = pl.DataFrame({"row": np.arange(len(histories))})
    joined = everybody.join(texts, on="row", how="left", maintain_order="left")
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
        told = [
            name
            for name, (group, interests) in NEWCOMERS.items()
            if (group or interests) and (attributes or not group)
        ]
        found += [
            ahead(records, data, "random", name, "a new person, no action", 0) for name in told
        ]
        found += [
            ahead(records, data, FIRST, "sequence", "a new person, first action", 1),
            ahead(records, data, "item-cold", "sequence", "a new item, 5 actions", 5),
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
