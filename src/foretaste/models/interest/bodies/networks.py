"""Bodies that are networks: trained by the house's loop, stopped by validation AUC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foretaste.models._torch import load_weights, tensors_of
from foretaste.models.interest.bodies._layers import Batch
from foretaste.models.interest.bodies.base import BodyConfig, Examples, Floats, Shape
from foretaste.models.interest.bodies.consistency import blanked, inconsistency, rising
from foretaste.models.interest.inputs import Inputs
from foretaste.models.interest.measures import auc
from foretaste.models.interest.question import Goal
from foretaste.training import TrainingHistory, seeded, train_network

_ANSWERED_AT_ONCE = 4096


class Network(Protocol):
    """Makes a network of a shape and settings."""

    def __call__(self, shape: Shape, config: BodyConfig) -> nn.Module:
        """The network, which gives log-odds of a `Batch`: float[n], or float[n, goals]."""
        ...


class NetworkBody:
    """A network of any kind over `Inputs`.

    Args:
        network: Makes it.
        shape: Of the inputs.
        config: Settings.
    """

    def __init__(self, network: Network, shape: Shape, config: BodyConfig) -> None:
        self._make: Callable[[], nn.Module] = lambda: network(shape, config)
        self._goals = shape.goals
        self._config = config
        self._network: nn.Module | None = None
        self.history: TrainingHistory | None = None

    def fit(self, train: Examples, validation: Examples | None, rounds: int | None) -> int:
        """As `Body.fit`; rounds are epochs."""
        config = self._config
        with seeded(config.seed):
            network = self._network = self._make()
        epochs = config.training.epochs if rounds is None else rounds
        self.history = train_network(
            network,
            batches=lambda epoch: self._batches(train, epoch),
            loss=lambda batch: self._loss(network, *batch),
            validate=None
            if validation is None
            else lambda: metric_of(
                self.log_odds(validation.inputs), validation.labels, self._goals
            ),
            config=config.training.model_copy(update={"epochs": epochs}),
            seed=config.seed,
        )
        return self.history.best

    def log_odds(self, inputs: Inputs) -> Floats:
        """float32[n], of several goals float32[n, goals]."""
        network, n = self._fitted(), len(inputs)
        found = np.empty((n, len(self._goals)) if len(self._goals) > 1 else n, np.float32)
        with torch.inference_mode():
            for start in range(0, n, _ANSWERED_AT_ONCE):
                rows = np.arange(start, min(n, start + _ANSWERED_AT_ONCE))
                found[rows] = network(Batch.of(inputs.take(rows))).float().numpy()
        return found

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The weights."""
        return tensors_of(self._fitted())

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes back weights."""
        self._network = self._make()
        load_weights(self._network, tensors)

    def _fitted(self) -> nn.Module:
        if self._network is None:
            raise RuntimeError("this body has learnt nothing yet")
        return self._network

    def _loss(
        self, network: nn.Module, batch: Batch, labels: Tensor, weights: Tensor, risen: float
    ) -> Tensor:
        """Mean loss of a batch, with so much of the weight of consistency as has risen."""
        config = self._config
        batch = batch.forgetting(config.unknown)
        log_odds = network(batch)
        loss = loss_of(log_odds, labels, weights, self._goals, config.focal)
        if not config.consistency:
            return loss
        other = network(blanked(batch, config.blanked))
        return loss + risen * config.consistency * inconsistency(log_odds, other)

    def _batches(
        self, train: Examples, epoch: int
    ) -> Iterator[tuple[Batch, Tensor, Tensor, float]]:
        order = np.random.default_rng([self._config.seed, epoch]).permutation(len(train))
        size = self._config.training.batch_tokens
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield (
                Batch.of(train.inputs.take(rows)),
                torch.from_numpy(train.labels[rows]),
                torch.from_numpy(train.weights[rows]),
                rising(epoch),
            )


def loss_of(
    log_odds: Tensor, labels: Tensor, weights: Tensor, goals: tuple[Goal, ...], focal: float
) -> Tensor:
    """The weighted sum over goals of the mean loss of a batch, over the pairs that have labels.

    Args:
        log_odds: float[n], or float[n, goals].
        labels: Likewise; NaN where there is none.
        weights: float[n].
        goals: What is foreseen: ratings by their squared error, all else by cross-entropy.
        focal: Exponent of the focal loss.
    """
    n = len(labels)
    log_odds, labels = (values.reshape(n, len(goals)) for values in (log_odds.float(), labels))
    total = log_odds.new_zeros(())
    for place, goal in enumerate(goals):
        known = ~labels[:, place].isnan()
        if not known.any():
            continue
        said, actual, weight = log_odds[known, place], labels[known, place], weights[known]
        if goal.rating:
            losses = (said.sigmoid() - actual).square()
        else:
            losses = focal_loss(said, actual, focal)
        total = total + goal.weight * (losses * weight).sum() / weight.sum()
    return total


def metric_of(log_odds: Floats, labels: Floats, goals: tuple[Goal, ...]) -> float:
    """What training is stopped by, larger is better: the mean over goals of their AUC.

    Of a rating, less the RMSE stands in for it. Goals with nothing to tell apart are left out;
    NaN where that is all of them.

    Args:
        log_odds: float32[n], or float32[n, goals].
        labels: Likewise; NaN where there is none.
        goals: What is foreseen.
    """
    n = len(labels)
    log_odds, labels = (values.reshape(n, len(goals)) for values in (log_odds, labels))
    found: list[float] = []
    for place, goal in enumerate(goals):
        known = ~np.isnan(labels[:, place])
        said, actual = log_odds[known, place], labels[known, place]
        if goal.rating and len(actual):
            share = 1 / (1 + np.exp(-said.astype(np.float64)))
            found.append(-float(np.sqrt(np.mean((share - actual) ** 2))))
        elif len(np.unique(actual)) > 1:
            found.append(auc(actual, said))
    return float(np.mean(found)) if found else float("nan")


def focal_loss(log_odds: Tensor, labels: Tensor, exponent: float) -> Tensor:
    """Cross-entropy, less where the label was expected (Lin et al., 2017, equation 4); float[n]."""
    losses = functional.binary_cross_entropy_with_logits(log_odds, labels, reduction="none")
    if exponent == 0:
        return losses
    p = log_odds.sigmoid()
    wrong = labels * (1 - p) + (1 - labels) * p
    return wrong**exponent * losses
