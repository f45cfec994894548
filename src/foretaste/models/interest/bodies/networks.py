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
from foretaste.models.interest.inputs import Inputs
from foretaste.models.interest.measures import auc
from foretaste.training import TrainingHistory, seeded, train_network

_ANSWERED_AT_ONCE = 4096


class Network(Protocol):
    """Makes a network of a shape and settings."""

    def __call__(self, shape: Shape, config: BodyConfig) -> nn.Module:
        """The network, which gives log-odds, float[n], of a `Batch`."""
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
            loss=lambda batch: loss_of(network(batch[0]), *batch[1:], config),
            validate=None
            if validation is None
            else lambda: metric_of(self.log_odds(validation.inputs), validation.labels, config),
            config=config.training.model_copy(update={"epochs": epochs}),
            seed=config.seed,
        )
        return self.history.best

    def log_odds(self, inputs: Inputs) -> Floats:
        """float32[n]."""
        network, n = self._fitted(), len(inputs)
        found = np.empty(n, np.float32)
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

    def _batches(self, train: Examples, epoch: int) -> Iterator[tuple[Batch, Tensor, Tensor]]:
        order = np.random.default_rng([self._config.seed, epoch]).permutation(len(train))
        size = self._config.training.batch_tokens
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield (
                Batch.of(train.inputs.take(rows)),
                torch.from_numpy(train.labels[rows]),
                torch.from_numpy(train.weights[rows]),
            )


def loss_of(log_odds: Tensor, labels: Tensor, weights: Tensor, config: BodyConfig) -> Tensor:
    """Mean loss of a batch, of whatever kind is configured; all float[n]."""
    log_odds = log_odds.float()
    if config.rating:
        losses = (log_odds.sigmoid() - labels).square()
    else:
        losses = focal_loss(log_odds, labels, config.focal)
    return (losses * weights).sum() / weights.sum()


def metric_of(log_odds: Floats, labels: Floats, config: BodyConfig) -> float:
    """What training is stopped by, larger is better: AUC, or of ratings less the RMSE."""
    if config.rating:
        said = 1 / (1 + np.exp(-log_odds.astype(np.float64)))
        return -float(np.sqrt(np.mean((said - labels) ** 2)))
    return auc(labels, log_odds)


def focal_loss(log_odds: Tensor, labels: Tensor, exponent: float) -> Tensor:
    """Cross-entropy, less where the label was expected (Lin et al., 2017, equation 4); float[n]."""
    losses = functional.binary_cross_entropy_with_logits(log_odds, labels, reduction="none")
    if exponent == 0:
        return losses
    p = log_odds.sigmoid()
    wrong = labels * (1 - p) + (1 - labels) * p
    return wrong**exponent * losses
