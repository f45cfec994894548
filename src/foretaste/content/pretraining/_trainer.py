"""The trainer of `transformers`, with house manners: nothing pickled, exact resumption."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_model, save_file, save_model
from torch import Tensor
from torch.utils.data import Dataset
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.integrations.integration_utils import TensorBoardCallback
from transformers.trainer_utils import get_last_checkpoint

from foretaste.content.pretraining.config import PretrainingConfig
from foretaste.content.pretraining.objectives import Objective
from foretaste.errors import MissingExtraError
from foretaste.progress import ProgressBar, progress_bar
from foretaste.training.precision import autocast

_WEIGHTS, _OPTIMISER = "model.safetensors", "optimiser.safetensors"
_WARMUP = 0.1


@dataclass(frozen=True)
class Curve:
    """What every epoch did.

    Attributes:
        loss: Mean over batches of each epoch.
        held_out: The same over the held-out part, after each epoch.
    """

    loss: tuple[float, ...]
    held_out: tuple[float, ...]

    @property
    def best(self) -> int:
        """Number of the epoch whose weights were kept, from 1."""
        return 1 + int(np.argmin(self.held_out))


def train(objective: Objective, config: PretrainingConfig, checkpoints: Path) -> Curve:
    """Trains an objective in place; at the end it holds the weights of its best epoch.

    Args:
        objective: What to train.
        config: Settings.
        checkpoints: Folder of this very training; one that was stopped goes on from there.

    Returns:
        The learning curve.
    """
    order = np.random.default_rng(config.seed).permutation(objective.rows)
    held_out = max(2, round(len(order) * config.held_out))
    steps = config.epochs * math.ceil((len(order) - held_out) / config.batch)
    with progress_bar("pretraining", config.epochs) as bar:
        trainer = _Trainer(
            model=objective,
            args=_arguments(config, checkpoints, min(steps, config.steps or steps)),
            data_collator=objective.batch,
            train_dataset=_Rows(order[held_out:]),
            eval_dataset=_Rows(order[:held_out]),
            callbacks=[
                EarlyStoppingCallback(config.patience),
                _Progress(bar),
                *_tensorboard(config.tensorboard),
            ],
        )
        trainer.remove_callback(PrinterCallback)
        last = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
        with torch.random.fork_rng():
            trainer.train(resume_from_checkpoint=last)
    objective.eval()
    return _curve(trainer.state.log_history)


def _arguments(config: PretrainingConfig, checkpoints: Path, steps: int) -> TrainingArguments:
    try:
        return TrainingArguments(
            output_dir=str(checkpoints),
            max_steps=steps,
            per_device_train_batch_size=config.batch,
            per_device_eval_batch_size=config.batch,
            learning_rate=config.learning_rate,
            warmup_steps=_WARMUP,
            weight_decay=0.01,
            eval_strategy="epoch",
            save_strategy="epoch",
            logging_strategy="epoch",
            save_total_limit=1,
            load_best_model_at_end=True,
            metric_for_best_model="loss",
            greater_is_better=False,
            restore_callback_states_from_checkpoint=True,
            remove_unused_columns=False,
            disable_tqdm=True,
            dataloader_pin_memory=False,
            report_to=[],
            seed=config.seed,
        )
    except ImportError:
        raise MissingExtraError("accelerate", "pretrain") from None


def _tensorboard(folder: Path | None) -> list[TrainerCallback]:
    if folder is None:
        return []
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("tensorboard", "pretrain") from None
    return [TensorBoardCallback(SummaryWriter(str(folder)))]


class _Rows(Dataset[int]):
    """Numbers of items or people; the objective makes batches of them."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> int:
        return int(self._rows[place])


class _Trainer(Trainer):
    """Takes the loss that the model returns, and keeps its state in safetensors and JSON.

    Dropout is a function of the seed and the step, so no state of randomness needs to be kept.
    """

    model: Any
    optimizer: Any
    lr_scheduler: Any

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """One step, with randomness of its own."""
        torch.manual_seed((self.args.seed << 32) + self.state.global_step)
        return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
        """What the model returns."""
        with autocast(self.args.device, model.settings.precision):
            return model(**inputs)

    def prediction_step(
        self, model: Any, inputs: Any, *arguments: Any, **named: Any
    ) -> tuple[Tensor, None, None]:
        """The loss of a held-out batch."""
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_model(self.model, str(folder / _WEIGHTS))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_model(self.model, str(Path(resume_from_checkpoint) / _WEIGHTS))

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(str(self.state.best_model_checkpoint))

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        state = self.optimizer.state_dict()
        tensors = {
            f"{place}.{name}": value
            for place, remembered in state["state"].items()
            for name, value in remembered.items()
        }
        plain = {"groups": state["param_groups"], "schedule": self.lr_scheduler.state_dict()}
        save_file(tensors, Path(output_dir) / _OPTIMISER, {"plain": json.dumps(plain)})

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        remembered: dict[int, dict[str, Tensor]] = {}
        with safe_open(Path(checkpoint) / _OPTIMISER, framework="pt") as file:
            plain = json.loads(file.metadata()["plain"])
            for key in file.keys():  # noqa: SIM118 - it is no dictionary
                place, name = key.split(".")
                remembered.setdefault(int(place), {})[name] = file.get_tensor(key).clone()
        self.optimizer.load_state_dict({"state": remembered, "param_groups": plain["groups"]})
        self.lr_scheduler.load_state_dict(plain["schedule"])

    def _save_rng_state(self, output_dir: str) -> None:
        pass

    def _load_rng_state(self, checkpoint: str | None) -> None:
        pass


class _Progress(TrainerCallback):
    """Moves the bar after every step, and shows the held-out loss."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar

    def on_evaluate(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        """An epoch is over."""
        loss = named["metrics"]["eval_loss"]
        self._bar.advance(f"held-out loss {loss:.4f}")


def _curve(log: Sequence[dict[str, Any]]) -> Curve:
    return Curve(
        tuple(entry["loss"] for entry in log if "loss" in entry),
        tuple(entry["eval_loss"] for entry in log if "eval_loss" in entry),
    )
