"""Trains a model of LensKit: `python run_lenskit.py FOLDER`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from lenskit.als import ImplicitMFScorer
from lenskit.batch import recommend
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import EASEScorer, ItemKNNScorer, UserKNNScorer
from lenskit.pipeline import topn_pipeline
from lenskit.training import TrainingOptions

from runner import Histories, K, Lists, Task, at_once

MODELS = {
    "ItemKNN": ItemKNNScorer,
    "UserKNN": UserKNNScorer,
    "EASE": EASEScorer,
    "ALS": ImplicitMFScorer,
}


def main() -> None:
    task = Task.read()
    scorer = MODELS[task.settings["model"]](**task.settings["arguments"])
    pipeline = topn_pipeline(scorer, n=K)

    def fit() -> None:
        pipeline.train(dataset(task.train), TrainingOptions(rng=task.seed))

    known = np.unique(task.train.values)

    def rank(histories: Histories) -> Lists:
        # LensKit refuses histories with items that it was not trained on.
        rows = (histories[row] for row in range(len(histories)))
        kept = [row[np.isin(row, known)] for row in rows]
        queries = [
            RecQuery(user_id=int(user), history_items=ItemList(row))
            for user, row in zip(histories.users, kept, strict=True)
        ]
        lists = np.zeros((len(histories), K), np.int32)
        found = recommend(pipeline, queries, K, n_jobs=1)
        row_of_user = {int(user): row for row, user in enumerate(histories.users)}
        for key, items in found:
            ids = items.ids()
            lists[row_of_user[int(key.user_id)], : len(ids)] = ids
        return lists

    curve = at_once(task, fit, rank)
    task.answer(curve, rank(task.test), "lenskit")


def dataset(histories: Histories):
    """Events as LensKit wants them, a person and an item once."""
    events = pd.DataFrame(
        {"user_id": histories.users[histories.row_of_value], "item_id": histories.values}
    )
    return from_interactions_df(events.drop_duplicates())


if __name__ == "__main__":
    main()
