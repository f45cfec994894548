"""One training loop for every network: epochs, early stopping, the best weights kept."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from foretaste.progress import progress_bar
from foretaste.training.config import TrainingConfig

Weights = tuple[Tensor, ...] | list[Tensor]
Average = Callable[[Weights, Weights, Tensor | int], None]

#: The average of the first n steps reaches about n / this many steps back.
_AVERAGE_WARMUP = 10

Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Epoch:
    """What one pass over the data did.

    Attributes:
        number: From 1.
        loss: Mean over batches.
        metric: On validation data, larger is better; None without validation.
        seconds: Wall time of training, without validation.
    """

    number: int
    loss: float
    metric: float | None
    seconds: float


@dataclass
class TrainingHistory:
    """The learning curve: every epoch, and the number of the one whose weights were kept."""

    epochs: list[Epoch] = field(default_factory=list)
    best: int = 0


@contextmanager
def seeded(seed: int) -> Generator[torch.Generator]:
    """Makes torch's randomness inside the block a function of `seed`, and leaves none behind."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)


def train_network(
    network: Network,
    *,
    batches: Callable[[], Iterable[Batch]],
    loss: Callable[[Batch], Tensor],
    validate: Callable[[Network], float] | None,
    config: TrainingConfig,
) -> TrainingHistory:
    """Trains a network in place; at the end it holds its best weights.

    Args:
        network: What to train; modules with a true attribute `undecayed` are spared weight decay.
        batches: Gives the batches of one epoch.
        loss: Mean loss of a batch under the network in training mode.
        validate: Metric of a network in evaluation mode, larger is better; it is given one with
            the averaged weights. Without it every epoch is run and the last weights are kept.
        config: Settings.

    Returns:
        The learning curve.
    """
    optimizer = torch.optim.AdamW(_parameter_groups(network, config), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (config.warmup_steps + 1))
    )
    averaged = AveragedModel(network, multi_avg_fn=_moving_average(config.average))
    history = TrainingHistory()
    best_metric = -torch.inf
    best_weights = network.state_dict()
    with progress_bar("training", config.epochs) as progress:
        for number in range(1, config.epochs + 1):
            started = time.perf_counter()
            network.train()
            total, count = 0.0, 0
            for batch in batches():
                optimizer.zero_grad(set_to_none=True)
                value = loss(batch)
                value.backward()
                nn.utils.clip_grad_norm_(network.parameters(), config.gradient_clip)
                optimizer.step()
                schedule.step()
                averaged.update_parameters(network)
                total, count = total + value.detach(), count + 1
            seconds = time.perf_counter() - started
            metric = None
            if validate is not None:
                averaged.eval()
                metric = validate(cast(Network, averaged.module))
            mean_loss = float(total) / max(count, 1)
            history.epochs.append(Epoch(number, mean_loss, metric, seconds))
            progress.advance(_summary(mean_loss, metric))
            if metric is None or metric > best_metric:
                best_metric = -torch.inf if metric is None else metric
                best_weights = copy.deepcopy(averaged.module.state_dict())
                history.best = number
            elif number - history.best >= config.patience:
                break
    network.load_state_dict(best_weights)
    network.eval()
    return history


def _parameter_groups(network: nn.Module, config: TrainingConfig) -> list[dict[str, object]]:
    """Decays matrices only: shrinking norms, biases and item vectors costs accuracy."""
    spared = {
        id(parameter)
        for module in network.modules()
        if getattr(module, "undecayed", False)
        for parameter in module.parameters()
    }
    decayed = [p for p in network.parameters() if p.ndim >= 2 and id(p) not in spared]
    rest = [p for p in network.parameters() if p.ndim < 2 or id(p) in spared]
    return [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


def _moving_average(decay: float) -> Average:
    """Exponential, but at first the plain mean of what there is, so that the start is forgotten."""

    @torch.no_grad()
    def average(averages: Weights, weights: Weights, updates: Tensor | int) -> None:
        kept = min(decay, float(updates) / (float(updates) + _AVERAGE_WARMUP))
        torch._foreach_lerp_(averages, weights, 1 - kept)  # pyright: ignore

    return average


def _summary(loss: float, metric: float | None) -> str:
    return f"loss {loss:.4f}" if metric is None else f"loss {loss:.4f}  validation {metric:.4f}"
