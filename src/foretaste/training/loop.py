"""One training loop for every network: epochs, early stopping, the best weights kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from foretaste.progress import progress_bar
from foretaste.training.averaging import MovingAverage
from foretaste.training.checkpoint import Checkpoint
from foretaste.training.config import TrainingConfig
from foretaste.training.history import Epoch, TrainingHistory
from foretaste.training.optimiser import Optimiser
from foretaste.training.precision import autocast

Batch = TypeVar("Batch")


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Makes torch's randomness inside the block a function of `seed`, and leaves none behind."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def train_network(
    network: nn.Module,
    *,
    batches: Callable[[int], Iterable[Batch]],
    loss: Callable[[Batch], Tensor],
    validate: Callable[[], float] | None,
    config: TrainingConfig,
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> TrainingHistory:
    """Trains a network in place; at the end it holds its best weights, in evaluation mode.

    Every epoch's randomness is a function of the seed and its number, and torch's own is left as
    it was found: a training that goes on from a checkpoint ends as one that was never stopped.

    Args:
        network: What to train.
        batches: Gives the batches of an epoch by its number, from 1.
        loss: Mean loss of a batch under the network in training mode.
        validate: Metric of the network, larger is better; called while it is in evaluation mode
            and holds the averaged weights. Without it every epoch is run and the last weights are
            kept.
        config: Settings.
        seed: Of everything torch draws while training.
        checkpoint: Where the state is kept after every epoch, and gone on from.

    Returns:
        The learning curve.
    """
    training = _Training(network, batches, loss, validate, config)
    if checkpoint is not None and (found := checkpoint.load()) is not None:
        training.restore(*found)
    with torch.random.fork_rng(), progress_bar("training", config.epochs) as progress:
        progress.advance(steps=len(training.history.epochs))
        while not training.is_over():
            torch.manual_seed((seed << 20) + len(training.history.epochs))
            progress.advance(_summary(training.run_epoch()))
            if checkpoint is not None:
                checkpoint.save(*training.state())
    training.take_best()
    if checkpoint is not None:
        checkpoint.remove()
    return training.history


class _Training(Generic[Batch]):
    """A training between two epochs: everything the next one depends on."""

    def __init__(
        self,
        network: nn.Module,
        batches: Callable[[int], Iterable[Batch]],
        loss: Callable[[Batch], Tensor],
        validate: Callable[[], float] | None,
        config: TrainingConfig,
    ) -> None:
        self.history = TrainingHistory()
        self._network = network
        self._batches, self._loss, self._validate = batches, loss, validate
        self._config = config
        self._optimiser = Optimiser(network, config)
        self._average = MovingAverage(network, config.average)
        self._best_metric = -float("inf")
        self._best = self._average.values

    def is_over(self) -> bool:
        """Whether all epochs were run, or the last ones brought nothing better."""
        run = len(self.history.epochs)
        waited = run - self.history.best
        return run >= self._config.epochs or (
            self._validate is not None and run > 0 and waited >= self._config.patience
        )

    def run_epoch(self) -> Epoch:
        """Trains for an epoch, validates, and keeps the weights if they are the best so far."""
        number = len(self.history.epochs) + 1
        wall, cpu = time.perf_counter(), time.process_time()
        loss = self._pass_over(number)
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
        metric = self._metric()
        self.history.epochs.append(Epoch(number, loss, metric, seconds, cpu_seconds))
        if metric is None or metric > self._best_metric:
            self._best_metric = self._best_metric if metric is None else metric
            self._best = [value.clone() for value in self._average.values]
            self.history.best = number
        return self.history.epochs[-1]

    def take_best(self) -> None:
        """Gives the network its best weights."""
        with torch.no_grad():
            for parameter, value in zip(self._network.parameters(), self._best, strict=True):
                parameter.copy_(value)
        self._network.eval()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain data that `restore` goes on from."""
        tensors = {f"optimiser.{name}": t for name, t in self._optimiser.state().items()}
        for place, (name, parameter) in enumerate(self._network.named_parameters()):
            tensors[f"network.{name}"] = parameter.data
            tensors[f"average.{name}"] = self._average.values[place]
            tensors[f"best.{name}"] = self._best[place]
        return tensors, {"history": asdict(self.history), "steps": self._optimiser.steps}

    def restore(self, tensors: dict[str, Tensor], plain: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""
        names = [name for name, _ in self._network.named_parameters()]
        steps = plain["steps"]
        with torch.no_grad():
            for name, parameter in self._network.named_parameters():
                parameter.copy_(tensors[f"network.{name}"])
        self._average.restore([tensors[f"average.{name}"] for name in names], steps)
        self._best = [tensors[f"best.{name}"] for name in names]
        mark = "optimiser."
        remembered = {n.removeprefix(mark): t for n, t in tensors.items() if n.startswith(mark)}
        self._optimiser.restore(remembered, steps)
        epochs = [Epoch(**values) for values in plain["history"]["epochs"]]
        self.history = TrainingHistory(epochs, plain["history"]["best"])
        metric = epochs[self.history.best - 1].metric
        self._best_metric = self._best_metric if metric is None else metric

    def _pass_over(self, number: int) -> float:
        """One pass over the data; its mean loss."""
        self._network.train()
        device = next(self._network.parameters()).device
        total, count = 0.0, 0
        for batch in self._batches(number):
            with autocast(device, self._config.precision):
                value = self._loss(batch)
            value.backward()
            # Where an epoch is shorter than the warm-up, that would never end.
            self._optimiser.step(warming=number == 1)
            self._average.update()
            total, count = total + value.detach(), count + 1
        self._average.catch_up()
        return float(total) / max(count, 1)

    def _metric(self) -> float | None:
        if self._validate is None:
            return None
        self._network.eval()
        with self._average.applied():
            return self._validate()


def _summary(epoch: Epoch) -> str:
    told = f"loss {epoch.loss:.4f}"
    return told if epoch.metric is None else f"{told}  validation {epoch.metric:.4f}"
