"""Trains a model of RecTools, such as SASRec, eSASRec or HSTU: `python run_rectools.py FOLDER`."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import HSTUModel, SASRecModel
from rectools.models.nn.item_net import IdEmbeddingsItemNet
from rectools.models.nn.transformers.ligr import LiGRLayers

from rectools_baselines import BASELINES, train_baseline
from runner import Histories, LearningCurve, Task, ranked

MODELS = {"SASRec": SASRecModel, "HSTU": HSTUModel}
LAYERS: dict[str, dict[str, Any]] = {"own": {}, "LiGR": {"transformer_layers_type": LiGRLayers}}


class Watch(Callback):
    """Validates after every epoch, keeps the best weights, stops in time."""

    def __init__(self, task: Task, curve: LearningCurve) -> None:
        self.task = task
        self.curve = curve
        self.best: dict[str, torch.Tensor] = {}

    def __deepcopy__(self, _: dict[int, Any]) -> Watch:
        """RecTools trains with a copy of its trainer; there is one watch all the same."""
        return self

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.curve.resume()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        trainer.should_stop = self.curve.spent

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        def validate() -> float:
            pl_module.eval()
            lists = ranked(scorer(pl_module, self.task.items), self.task.validation)
            pl_module.train()
            return self.task.validate(lists)

        if self.curve.validated(validate):
            self.best = copy.deepcopy(pl_module.state_dict())
        trainer.should_stop = self.curve.is_over


def main() -> None:
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    task = Task.read()
    settings = task.settings
    if settings["model"] in BASELINES:
        train_baseline(task)
        return
    seed_everything(task.seed, workers=True)
    curve = LearningCurve(
        task.budget_seconds,
        patience=settings["patience"],
        most=settings["epochs"],
        least=settings["least_epochs"],
    )
    watch = Watch(task, curve)
    model = MODELS[settings["model"]](
        **settings["arguments"],
        **LAYERS[settings["layers"]],
        item_net_block_types=(IdEmbeddingsItemNet,),
        get_trainer_func=lambda: Trainer(
            accelerator="cpu",
            callbacks=[watch],
            max_epochs=curve.most,
            min_epochs=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ),
    )
    model.fit(Dataset.construct(interactions(task.train)))
    model.lightning_model.load_state_dict(watch.best)
    model.lightning_model.eval()
    lists = ranked(scorer(model.lightning_model, task.items), task.test)
    task.answer(curve, lists, "rectools", "pytorch-lightning")


def interactions(histories: Histories) -> pd.DataFrame:
    """Events as RecTools wants them; places in the history stand for times."""
    places = np.arange(len(histories.values)) - histories.offsets[histories.row_of_value]
    return pd.DataFrame(
        {
            Columns.User: histories.users[histories.row_of_value],
            Columns.Item: histories.values,
            Columns.Weight: 1,
            Columns.Datetime: pd.to_datetime(places, unit="s"),
        }
    )


@torch.inference_mode()
def scorer(module: LightningModule, items: int) -> Callable[[Histories], NDArray[np.float32]]:
    """Scores of the whole catalogue under the network as it is now."""
    network = module.torch_model
    table = network.item_model.get_all_embeddings()
    # Code 0 of RecTools is padding too; its other codes are those of the items it has seen.
    known = module.data_preparator.get_known_item_ids().astype(np.int64)
    own_code = np.zeros(items + 1, np.int64)
    own_code[known] = np.arange(1, len(known) + 1)
    width = module.data_preparator.session_max_len

    @torch.inference_mode()
    def score(histories: Histories) -> NDArray[np.float32]:
        sessions = histories.translated(own_code).padded(width, side="left")
        states = network.encode_sessions({"x": torch.from_numpy(sessions)}, table)[:, -1:]
        scores = np.full((len(histories), items + 1), -np.inf, np.float32)
        scores[:, known] = network.similarity_module(states, table)[:, 0, 1:].numpy()
        return scores

    return score


if __name__ == "__main__":
    main()
