"""The contract of a body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.models.interest.inputs import Inputs
from foretaste.training import TrainingConfig, TrainingHistory

Floats = NDArray[np.float32]


class BodyConfig(Config):
    """Settings that bodies share; each reads those that concern it.

    Attributes:
        dimension: Length of the vectors of ids and choices.
        layers: Widths of hidden layers.
        dropout: Share of activations dropped in training.
        crosses: Cross layers, of DCNv2.
        heads: Of the bilinear fusion of FinalMLP.
        rating: Learn numbers between 0 and 1 by their squared error, not whether they are 1.
        focal: Exponent of the focal loss (Lin et al., 2017); 0 is cross-entropy.
        trees: Of boosted trees, at most.
        leaves: Of a tree.
        tree_rate: Learning rate of boosting.
        training: Of networks; a batch holds `batch_tokens` pairs.
        seed: Of weights, order, dropout and draws.
    """

    dimension: int = Field(default=16, ge=2)
    layers: tuple[int, ...] = Field(default=(64, 32), min_length=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    crosses: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    rating: bool = False
    focal: float = Field(default=0.0, ge=0)
    trees: int = Field(default=600, ge=1)
    leaves: int = Field(default=15, ge=2)
    tree_rate: float = Field(default=0.03, gt=0)
    training: TrainingConfig = TrainingConfig(
        epochs=20, patience=2, batch_tokens=512, learning_rate=1e-3, average=0.99
    )
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class Shape:
    """How large the inputs are.

    Attributes:
        people: Codes of users, with that of nobody.
        choices: Codes of every field of few values.
        numbers: Columns of numbers.
        content: float32[items + 1, d], text vectors of the items; d may be 0.
        history: Longest past.
    """

    people: int
    choices: tuple[int, ...]
    numbers: int
    content: Floats
    history: int


@dataclass(frozen=True)
class Examples:
    """Inputs with what came of them.

    Attributes:
        inputs: The pairs.
        labels: float32[n], 0 or 1, or ratings between them.
        weights: float32[n], how much each counts.
    """

    inputs: Inputs
    labels: Floats
    weights: Floats

    def __len__(self) -> int:
        return len(self.labels)


class Body(Protocol):
    """Learns log-odds from examples."""

    history: TrainingHistory | None

    def fit(self, train: Examples, validation: Examples | None, rounds: int | None) -> int:
        """Learns, forgetting whatever was learnt before.

        Args:
            train: What to learn from.
            validation: Without it nothing is stopped early.
            rounds: Epochs or trees; None finds their number by validation.

        Returns:
            The rounds that were kept.
        """
        ...

    def log_odds(self, inputs: Inputs) -> Floats:
        """float32[n]."""
        ...

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What was learnt, by name."""
        ...

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes back what `tensors` gave."""
        ...
