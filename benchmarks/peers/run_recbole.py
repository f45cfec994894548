"""Trains a model of RecBole, such as SASRec or BERT4Rec: `python run_recbole.py FOLDER`."""

from __future__ import annotations

import copy
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from recbole.config import Config
from recbole.data import create_dataset
from recbole.data.dataloader import TrainDataLoader
from recbole.data.interaction import Interaction
from recbole.sampler import Sampler
from recbole.utils import ModelType, get_model, get_trainer, init_seed
from scipy.sparse import dok_matrix

from runner import Histories, LearningCurve, Task, ranked

NAME = "task"


class UntilSpent:
    """The batches of a loader for as long as the budget lasts."""

    def __init__(self, loader: TrainDataLoader, curve: LearningCurve) -> None:
        self.loader = loader
        self.curve = curve

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            yield batch
            if self.curve.spent:
                break

    def __len__(self) -> int:
        return len(self.loader)


def main() -> None:
    warnings.simplefilter("ignore")
    task = Task.read()
    # RecBole reads the command line for settings of its own.
    del sys.argv[1:]
    write_events(task)
    # RecBole's LightGCN fills its graph by a method that SciPy has renamed.
    dok_matrix._update = lambda matrix, values: matrix._dict.update(values)
    config = Config(model=task.settings["model"], dataset=NAME, config_dict=configuration(task))
    logging.disable(logging.WARNING)
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    train, _, _ = dataset.build()
    in_order = config["MODEL_TYPE"] == ModelType.SEQUENTIAL
    sampler = None if in_order else Sampler(["train"], [train], "uniform").set_phase("train")
    loader = TrainDataLoader(config, train, sampler, shuffle=True)
    model = get_model(config["model"])(config, train)
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    curve = LearningCurve(
        task.budget_seconds, patience=config["stopping_step"], most=config["epochs"]
    )
    best: dict[str, torch.Tensor] = {}
    score = (scorer if in_order else scorer_of_users)(model, dataset, task.items)
    while not curve.is_over:
        curve.resume()
        trainer._train_epoch(UntilSpent(loader, curve), len(curve.epochs))
        model.eval()
        if curve.validated(lambda: task.validate(ranked(score, task.validation))):
            best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    model.eval()
    task.answer(curve, ranked(score, task.test), "recbole")


def write_events(task: Task) -> None:
    """The training events as RecBole reads them; places in the history stand for times."""
    train = task.train
    folder = task.folder / NAME
    folder.mkdir()
    places = np.arange(len(train.values)) - train.offsets[train.row_of_value]
    np.savetxt(
        folder / f"{NAME}.inter",
        np.column_stack([train.users[train.row_of_value], train.values, places]),
        fmt="%d",
        delimiter="\t",
        header="user_id:token\titem_id:token\ttimestamp:float",
        comments="",
    )


def configuration(task: Task) -> dict[str, Any]:
    """RecBole's defaults, the settings of the catalogue, and all events for training."""
    return {
        "data_path": str(task.folder),
        "checkpoint_dir": str(task.folder / "checkpoints"),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "eval_args": {"split": {"RS": [1, 0, 0]}, "order": "TO", "mode": "full"},
        "seed": task.seed,
        "show_progress": False,
        "use_gpu": False,
        **task.settings["arguments"],
    }


def scorer_of_users(
    model: Any, dataset: Any, items: int
) -> Callable[[Histories], NDArray[np.float32]]:
    """Scores by `predict` for users it has met; to models that do not read histories."""
    known = dataset.field2id_token["item_id"][1:].astype(np.int64)
    user_of = {
        int(token): row for row, token in enumerate(dataset.field2id_token["user_id"]) if row
    }
    every = torch.arange(1, len(known) + 1)

    @torch.inference_mode()
    def score(histories: Histories) -> NDArray[np.float32]:
        scores = np.full((len(histories), items + 1), -np.inf, np.float32)
        for row, user in enumerate(histories.users):
            pairs = Interaction(
                {
                    model.USER_ID: torch.full_like(every, user_of[int(user)]),
                    model.ITEM_ID: every,
                }
            )
            scores[row, known] = model.predict(pairs).numpy()
        return scores

    return score


def scorer(model: Any, dataset: Any, items: int) -> Callable[[Histories], NDArray[np.float32]]:
    """Scores of the whole catalogue by `full_sort_predict`, RecBole's own."""
    known = dataset.field2id_token["item_id"][1:].astype(np.int64)
    own_code = np.zeros(items + 1, np.int64)
    own_code[known] = np.arange(1, len(known) + 1)
    width = model.max_seq_length

    @torch.inference_mode()
    def score(histories: Histories) -> NDArray[np.float32]:
        own = histories.translated(own_code)
        batch = Interaction(
            {
                model.ITEM_SEQ: torch.from_numpy(own.padded(width, side="right")),
                model.ITEM_SEQ_LEN: torch.from_numpy(np.clip(own.lengths, 1, width)),
            }
        )
        scores = np.full((len(histories), items + 1), -np.inf, np.float32)
        scores[:, known] = model.full_sort_predict(batch)[:, 1:].numpy()
        return scores

    return score


if __name__ == "__main__":
    main()
