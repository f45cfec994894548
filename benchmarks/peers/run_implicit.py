"""Trains a model of `implicit`: `python run_implicit.py FOLDER`."""

from __future__ import annotations

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from runner import Histories, K, Lists, Task, at_once

MODELS = {"ALS": AlternatingLeastSquares, "BPR": BayesianPersonalizedRanking}


def main() -> None:
    task = Task.read()
    # `implicit` asks for it: it has threads of its own.
    with threadpool_limits(1, "blas"):
        model = MODELS[task.settings["model"]](**task.settings["arguments"], random_state=task.seed)
        train(task, model)


def train(task: Task, model: AlternatingLeastSquares | BayesianPersonalizedRanking) -> None:
    """Trains a model and hands in its lists."""
    # ALS can solve for a person from the history at hand; BPR knows who it has met in training.
    recalculate = isinstance(model, AlternatingLeastSquares)
    row_of_user = np.zeros(int(task.train.users.max()) + 1, np.int64)
    row_of_user[task.train.users] = np.arange(len(task.train))

    def fit() -> None:
        model.fit(matrix(task.train, task.items), show_progress=False)

    def rank(histories: Histories) -> Lists:
        items, _ = model.recommend(
            row_of_user[histories.users],
            matrix(histories, task.items),
            N=K,
            filter_already_liked_items=True,
            recalculate_user=recalculate,
        )
        return items + 1

    curve = at_once(task, fit, rank)
    task.answer(curve, rank(task.test), "implicit")


def matrix(histories: Histories, items: int) -> csr_matrix:
    """Who acted on what, once each; columns are item codes less one."""
    shape = (len(histories), items)
    events = np.ones(len(histories.values), np.float32)
    found = csr_matrix((events, histories.values - 1, histories.offsets), shape)
    found.sum_duplicates()
    found.data[:] = 1
    return found


if __name__ == "__main__":
    main()
