"""The demonstration: the whole way from logs to recommendations, on a shop made up for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foretaste.data import Dataset, shop
from foretaste.errors import InputError
from foretaste.evaluation import Comparison, compare
from foretaste.evaluation.plots import plot_comparison
from foretaste.models import MODELS
from foretaste.pipeline.compare import train_all
from foretaste.pipeline.config import load_config
from foretaste.pipeline.people import Person, look_at_users
from foretaste.pipeline.run import Tell, Trained, prepare
from foretaste.pipeline.starter import starter_config

#: The figure by which the models are compared.
METRIC = "NDCG@10"

_MODEL = "sequence"
_PEOPLE = 3
_K = 5

#: People shown have seen something, but not so much that one can't follow.
_FEWEST_EVENTS, _MOST_EVENTS = 8, 40


@dataclass(frozen=True)
class Demo:
    """What the demonstration made.

    Attributes:
        data: The folder of the shop's files.
        config: The configuration, to go on from.
        run: The folder of the sequence model's run.
        plot: The comparison as a picture.
        models: Every model, fitted and measured.
        comparison: The sequence model against the best of the others.
        people: Some people with what they are recommended.
    """

    data: Path
    config: Path
    run: Path
    plot: Path
    models: tuple[Trained, ...]
    comparison: Comparison
    people: tuple[Person, ...]


def make_demo(folder: Path, seed: int, tell: Tell) -> Demo:
    """Builds a shop, trains every model on its files, and recommends to some of its people.

    Args:
        folder: Where everything is written; it must not exist.
        seed: Of the shop.
        tell: Takes lines on how the work is going.

    Raises:
        InputError: The folder exists.
    """
    if folder.exists():
        raise InputError("there is such a folder already.", file=folder, hint="Choose another.")
    folder.mkdir(parents=True)
    tell("Building a shop: its goods, its people and what they did")
    data = folder / "shop"
    shop.generate(shop.ShopConfig(seed=seed)).write(data)
    path = folder / "foretaste.yaml"
    path.write_text(starter_config(data, folder), encoding="utf-8")
    config = load_config(path)
    prepared = prepare(config, tell)
    models = tuple(train_all(config, prepared, list(MODELS), tell))
    [ours] = [one for one in models if one.model.name == _MODEL]
    others = [one.report for one in models if one is not ours]
    best = max(others, key=lambda report: report.metric(METRIC).value)
    users = _some_people(prepared.dataset, seed)
    return Demo(
        data=data,
        config=path,
        run=ours.save(folder / "runs" / _MODEL),
        plot=plot_comparison([one.report for one in models], folder / "comparison.png"),
        models=models,
        comparison=compare(best, ours.report, metrics=[METRIC]),
        people=tuple(look_at_users(ours.model, prepared.dataset.items, users, _K)),
    )


def _some_people(dataset: Dataset, seed: int) -> Sequence[str | int]:
    events = np.bincount(dataset.user_codes, minlength=dataset.user_vocabulary.size)
    fitting = np.flatnonzero((events >= _FEWEST_EVENTS) & (events <= _MOST_EVENTS))
    chosen = np.random.default_rng(seed).choice(fitting, _PEOPLE, replace=False)
    return dataset.user_vocabulary.decode(np.sort(chosen).astype(np.int32)).to_list()
