"""The demonstration: the whole way from logs to recommendations, on a shop made up for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from foretaste.data import Dataset
from foretaste.data.shop import ShopConfig, generate
from foretaste.errors import InputError
from foretaste.evaluation import Comparison, compare
from foretaste.evaluation.plots import plot_comparison
from foretaste.pipeline.compare import train_all
from foretaste.pipeline.config import load_config
from foretaste.pipeline.people import Person, look_at_users
from foretaste.pipeline.run import Tell, Trained, prepare
from foretaste.pipeline.starter import starter_config
from foretaste.training import TrainingConfig

#: The figure by which the models are compared.
METRIC = "NDCG@10"

#: What comes next after all that is known, asked of everybody: the question a shop asks.
_SPLIT = "leave-one-out"

#: Enough to see how the models compare, and done in a minute or two.
_TRAINING = TrainingConfig(epochs=30, patience=5, validation_users=1000)

_MODEL = "sequence"

#: What is compared: the sequence model, and quick ones that learn from behaviour or from words.
MODELS = ("popularity", "itemknn", "als", "content", _MODEL)
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
        models: The models that are compared, fitted and measured.
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


def make_demo(
    folder: Path, config: ShopConfig, tell: Tell, *, training: TrainingConfig = _TRAINING
) -> Demo:
    """Builds a shop, trains every model on its files, and recommends to some of its people.

    Args:
        folder: Where everything is written; it must not exist.
        config: Of the shop.
        tell: Takes lines on how the work is going.
        training: Of the sequence model.

    Raises:
        InputError: The folder exists.
    """
    if folder.exists():
        raise InputError("there is such a folder already.", file=folder, hint="Choose another.")
    folder.mkdir(parents=True)
    tell("Building a shop: its goods, its people and what they did")
    data = folder / "shop"
    generate(config).write(data)
    path = folder / "foretaste.yaml"
    starter = starter_config(data, folder, split=_SPLIT, training=training)
    path.write_text(starter, encoding="utf-8")
    run_config = load_config(path)
    prepared = prepare(run_config, tell)
    models = tuple(train_all(run_config, prepared, MODELS, tell))
    [ours] = [one for one in models if one.model.name == _MODEL]
    others = [one.report for one in models if one is not ours]
    best = max(others, key=lambda report: report.metric(METRIC).value)
    users = _some_people(prepared.dataset, config.seed)
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
