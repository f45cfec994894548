"""What an objective is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field
from torch import Tensor, nn

from foretaste.config import Config
from foretaste.data import Dataset
from foretaste.training import UniformNegatives

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork


class Objective(nn.Module, ABC):
    """A loss of a batch under a network; its own weights, if any, are trained and then dropped."""

    @abstractmethod
    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Mean loss of item codes, int64[rows, width] with zeros at the end."""


@dataclass(frozen=True)
class Given:
    """What an objective may be made from.

    Attributes:
        train: What is learnt from.
        negatives: Draws the items that a target must beat.
        dimension: Of item vectors and states.
    """

    train: Dataset
    negatives: UniformNegatives
    dimension: int


class ObjectiveConfig(Config, ABC):
    """Settings of one objective.

    Attributes:
        weight: Of its loss, beside that of the next item.
    """

    weight: float = Field(default=0.1, gt=0)

    @abstractmethod
    def build(self, given: Given) -> Objective:
        """The objective, its weights drawn by torch's randomness."""
