"""What the sequence model asks of its backbone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Reads item vectors in order and says, at every position, what belongs there or comes next.

    A zero vector stands for an item that is not told: padding at the end of a row, and what a
    masking objective hides.
    """

    #: Whether no state sees a later item; the state at an item then foresees the next one. Else
    #: the state at a place whose item is hidden says which it is.
    causal: ClassVar[bool]

    @abstractmethod
    def forward(self, vectors: Tensor) -> Tensor:
        """Maps float[rows, width, dimension], padded at the end, to states of the same shape."""

    @abstractmethod
    def last(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """The states that foresee what follows each row.

        Args:
            vectors: float[rows, width, dimension], zeros at the end.
            lengths: int64[rows], items told in each row, at least one.

        Returns:
            float[rows, dimension].
        """


def at_places(states: Tensor, places: Tensor) -> Tensor:
    """float[rows, dimension], the state of each row at its place, int64[rows]."""
    return states[torch.arange(len(states)), places]
