from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from foretaste.data import Dataset
from foretaste.errors import DataError
from foretaste.models import Ranking, SequenceRecommender
from foretaste.models.sequence.config import usual_dropout
from foretaste.models.sequence.item_table import ItemTable
from foretaste.models.sequence.model import BORROWED
from foretaste.training import ByteDropout
from tests.contracts.worlds import COLD, dataset, two_tastes

SMALL = {"dimension": 8, "negatives": 50, "seed": 1, "dropout": 0.2}


class TasteEncoder:
    """Says which taste an item's title speaks of; the rest of the words is noise."""

    dimension = 12
    fingerprint = "tastes"

    def encode(self, items: pl.DataFrame) -> np.ndarray:
        garden = items["title"].str.contains("garden").to_numpy()
        noise = np.random.default_rng(len(items)).normal(0, 0.3, (len(items), self.dimension))
        noise[:, 0] += np.where(garden, 2, -2)
        return noise.astype(np.float32)


def cycle(people: int = 60, items: int = 8) -> Dataset:
    """Everybody walks round the same circle of items from a start of their own."""
    return dataset((f"p{p}", [(p + step) % items for step in range(5)]) for p in range(people))


def test_learns_what_follows_what() -> None:
    model = SequenceRecommender(
        **SMALL, training={"epochs": 60, "learning_rate": 0.02, "warmup_steps": 0}
    ).fit(cycle())
    for last in range(8):
        history = [(last - 1) % 8, last]
        first = model.recommend(histories=[history], k=1)["item_id"].item()
        assert first == (last + 1) % 8


def test_an_item_nobody_touched_is_recommended_for_its_words() -> None:
    model = SequenceRecommender(
        content=TasteEncoder(),
        **SMALL,
        training={"epochs": 40, "learning_rate": 0.01, "warmup_steps": 0},
    ).fit(two_tastes())
    scores = model.score([["garden-1", "garden-2"], ["desk-1", "desk-2"]], [COLD])
    assert scores[0, 0] > scores[1, 0]
    desks = [f"desk-{n}" for n in range(3, 10)]
    against = model.score([["garden-1", "garden-2"]], [COLD, *desks])[0]
    assert against[0] > against[1:].max()


def test_items_added_later_are_recommended_for_their_words() -> None:
    model = SequenceRecommender(
        content=TasteEncoder(),
        **SMALL,
        training={"epochs": 40, "learning_rate": 0.01, "warmup_steps": 0},
    ).fit(two_tastes())
    model.add_items(pl.DataFrame({"item_id": ["late"], "title": ["Late, for the garden"]}))
    scores = model.score([["garden-1", "garden-2"], ["desk-1", "desk-2"]], ["late"])
    assert scores[0, 0] > scores[1, 0]


def test_what_untouched_items_borrow_is_saved_and_not_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brief = {"epochs": 1}
    model = SequenceRecommender(content=TasteEncoder(), **SMALL, training=brief).fit(two_tastes())
    state = model.state()
    earlier = replace(state, tensors={k: v for k, v in state.tensors.items() if k != BORROWED})
    looked_for = SequenceRecommender.from_state(earlier)
    monkeypatch.setattr(ItemTable, "borrowed", None)
    for again in (SequenceRecommender.from_state(state), looked_for):
        np.testing.assert_array_equal(again.item_vectors, model.item_vectors)
    misfit = state.tensors | {BORROWED: state.tensors[BORROWED][1:]}
    with pytest.raises(RuntimeError, match="untouched"):
        SequenceRecommender.from_state(replace(state, tensors=misfit))


def test_early_stopping_keeps_the_best_epoch() -> None:
    split = cycle().split("leave-one-out")
    model = SequenceRecommender(
        **SMALL, training={"epochs": 50, "patience": 3, "learning_rate": 0.02, "warmup_steps": 0}
    ).fit(split.train, validation=split.validation)
    history = model.training_history
    metrics = [epoch.metric for epoch in history.epochs]
    assert all(metric is not None for metric in metrics)
    assert metrics[history.best - 1] == max(m for m in metrics if m is not None)
    assert history.best > 1
    assert len(metrics) == min(50, history.best + 3)


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(DataError, match="nobody has two events"):
        SequenceRecommender(**SMALL).fit(dataset([("a", [1]), ("b", [2])]))


def test_without_words_a_history_of_new_items_is_answered_by_popularity() -> None:
    items = pl.DataFrame({"item_id": [*range(8), 99]})
    model = SequenceRecommender(**SMALL, training={"epochs": 1}).fit(
        dataset(((p, [p % 8, (p + 1) % 8]) for p in range(9)), items)
    )
    assert set(model.recommend(histories=[[99]], k=3)["source"]) == {"popularity"}
    assert set(model.recommend(histories=[[99, 1]], k=3)["source"]) == {"sequence"}


def test_a_training_that_was_stopped_goes_on(tmp_path: Path) -> None:
    split = cycle().split("leave-one-out")
    settings = {**SMALL, "training": {"epochs": 6, "patience": 6, "batch_tokens": 64}}

    def fit(stop: int | None = None) -> SequenceRecommender:
        model = SequenceRecommender(**settings)
        validate, told = model.rank, itertools.count(1)

        def rank(*args: Any, **options: Any) -> Ranking:
            if next(told) == stop:
                raise KeyboardInterrupt
            return validate(*args, **options)

        model.rank = rank
        return model.fit(split.train, split.validation, checkpoints=tmp_path)

    with pytest.raises(KeyboardInterrupt):
        fit(stop=4)
    assert len(list(tmp_path.iterdir())) == 1
    resumed = fit()
    assert list(tmp_path.iterdir()) == []
    whole = SequenceRecommender(**settings).fit(split.train, split.validation)
    losses = [epoch.loss for epoch in whole.training_history.epochs]
    assert [epoch.loss for epoch in resumed.training_history.epochs] == losses
    histories, items = [[0, 1, 2]], list(range(8))
    assert (resumed.score(histories, items) == whole.score(histories, items)).all()


def test_debiasing_takes_popularity_out_of_the_answers() -> None:
    """People start with a popular item and go on to a rare one, at random among two each."""
    rng = np.random.default_rng(0)
    popular, rare = ["hit", "best-seller"], ["find", "gem"]
    people = [
        (n, [*rng.permutation(popular), *rng.choice(rare, 1), *rng.permutation(popular)])
        for n in range(60)
    ]
    means = []
    for debias in (0.0, 1.0):
        training = {"epochs": 40, "learning_rate": 0.02, "warmup_steps": 0}
        model = SequenceRecommender(dimension=8, debias=debias, training=training)
        model.fit(dataset(people))
        scores = model.score([["hit"], ["best-seller"]], [*popular, *rare])
        means.append(scores[:, 2:].mean() - scores[:, :2].mean())
    assert means[1] > means[0] + 0.2


def test_the_less_there_is_to_learn_from_the_more_is_dropped() -> None:
    shares = [usual_dropout(events) for events in (0, 100_000, 400_000, 900_000, 10**9)]
    assert shares == sorted(shares, reverse=True)
    assert (shares[0], shares[1], shares[-2], shares[-1]) == (0.5, 0.5, 0.2, 0.2)
    for given, dropped in ((None, 0.5), (0.3, 0.3)):
        settings = {**SMALL, "dropout": given}
        model = SequenceRecommender(**settings, training={"epochs": 1}).fit(cycle())
        restored = SequenceRecommender.from_state(model.state())
        for one in (model, restored):
            parts = [part for part in one.network.modules() if isinstance(part, ByteDropout)]
            assert parts
            assert {part.below for part in parts} == {round(256 * dropped)}
