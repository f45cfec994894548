"""Trains a model of Cornac: `python run_cornac.py FOLDER`."""

from __future__ import annotations

import numpy as np
from cornac.data import Dataset
from cornac.models import BPR
from numpy.typing import NDArray

from runner import Histories, Lists, Task, at_once, ranked

MODELS = {"BPR": BPR}


def main() -> None:
    task = Task.read()
    model = MODELS[task.settings["model"]](**task.settings["arguments"], seed=task.seed)
    train = task.train
    users = train.users[train.row_of_value].tolist()
    events = [(user, item, 1.0) for user, item in zip(users, train.values.tolist(), strict=True)]
    dataset = Dataset.from_uir(events, seed=task.seed)
    known = np.array(list(dataset.item_ids), np.int64)

    def score(histories: Histories) -> NDArray[np.float32]:
        scores = np.full((len(histories), task.items + 1), -np.inf, np.float32)
        for row, user in enumerate(histories.users):
            scores[row, known] = model.score(dataset.uid_map[int(user)])
        return scores

    def rank(histories: Histories) -> Lists:
        return ranked(score, histories)

    curve = at_once(task, lambda: model.fit(dataset), rank)
    task.answer(curve, rank(task.test), "cornac")


if __name__ == "__main__":
    main()
