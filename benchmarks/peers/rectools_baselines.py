"""RecTools' models that are no networks; part of `run_rectools.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from rectools import Columns
from rectools.dataset import Dataset, IdMap, Interactions
from rectools.models import EASEModel, ImplicitItemKNNWrapperModel, PopularModel

from runner import Histories, K, Lists, Task, at_once

_WEIGHTINGS = {"Cosine": CosineRecommender, "TFIDF": TFIDFRecommender, "BM25": BM25Recommender}


def item_knn(K: int, weighting: str) -> ImplicitItemKNNWrapperModel:  # noqa: N803 - their name
    """The neighbours of `implicit`, wrapped."""
    return ImplicitItemKNNWrapperModel(_WEIGHTINGS[weighting](K=K))


BASELINES: dict[str, Any] = {"Popular": PopularModel, "EASE": EASEModel, "ItemKNN": item_knn}


def train_baseline(task: Task) -> None:
    """Trains a model and hands in its lists."""
    model = BASELINES[task.settings["model"]](**task.settings["arguments"])

    def rank(histories: Histories) -> Lists:
        found = model.recommend(histories.users, dataset(histories, task), k=K, filter_viewed=True)
        row_of_user = np.zeros(int(histories.users.max()) + 1, np.int64)
        row_of_user[histories.users] = np.arange(len(histories))
        lists = np.zeros((len(histories), K), np.int32)
        lists[row_of_user[found[Columns.User]], found[Columns.Rank] - 1] = found[Columns.Item]
        return lists

    curve = at_once(task, lambda: model.fit(dataset(task.train, task)), rank)
    task.answer(curve, rank(task.test), "rectools")


def dataset(histories: Histories, task: Task) -> Dataset:
    """A person and an item once; inner ids of items are the same in every data set."""
    table = pd.DataFrame(
        {
            Columns.User: histories.users[histories.row_of_value],
            Columns.Item: histories.values,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp(0),
        }
    ).drop_duplicates([Columns.User, Columns.Item])
    users, items = IdMap.from_values(histories.users), IdMap.from_values(range(1, task.items + 1))
    return Dataset(users, items, Interactions.from_raw(table, users, items))
