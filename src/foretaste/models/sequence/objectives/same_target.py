"""Sequences that lead to the same item: DuoRec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from foretaste.data import Ragged
from foretaste.models.sequence.objectives.base import Given, Objective, ObjectiveConfig
from foretaste.models.sequence.objectives.views import lengths_of
from foretaste.training import contrastive_loss

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork


class SameTargetConfig(ObjectiveConfig):
    """Settings of `SameTarget`.

    Attributes:
        temperature: What likeness is divided by.
    """

    kind: Literal["same_target"] = "same_target"
    temperature: float = Field(default=0.2, gt=0)

    def build(self, given: Given) -> SameTarget:
        """The objective."""
        return SameTarget(given.train.histories(), self.temperature)


class SameTarget(Objective):
    """What leads to an item must be told from what leads to others.

    Qiu et al., "DuoRec" (WSDM 2022): a sequence before its last item is brought together with
    itself under another dropout, and with another sequence that leads to the same item. Rows of
    the same last item are no negatives of each other.

    Args:
        sequences: Item codes, in which sequences of the same target are looked up.
        temperature: What likeness is divided by.
    """

    def __init__(self, sequences: Ragged, temperature: float) -> None:
        super().__init__()
        self._alike = _Leading(sequences)
        self._temperature = temperature

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Sum of both mean contrastive losses."""
        lengths = lengths_of(codes) - 1
        targets = codes.gather(1, lengths[:, None])
        before = codes.masked_fill(torch.arange(codes.shape[1]) >= lengths[:, None], 0)
        targets = targets.squeeze(1)
        one, other = (network.foresee_codes(before, lengths) for _ in range(2))
        alike = network.foresee_codes(*self._alike.draw(targets, codes.shape[1]))
        return sum(
            (contrastive_loss(one, view, self._temperature, targets) for view in (other, alike)),
            start=torch.zeros(()),
        )


class _Leading:
    """Finds what led to an item."""

    def __init__(self, sequences: Ragged) -> None:
        self._sequences = sequences
        within = np.arange(len(sequences.values)) - sequences.offsets[sequences.row_of_value]
        self._within = within
        places = np.flatnonzero(within)
        #: Places of the values that have another before them, in order of the value.
        self._places = places[np.argsort(sequences.values[places], kind="stable")]
        self._values = sequences.values[self._places]

    def draw(self, targets: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """The items before a random occurrence of each target, and how many they are.

        Args:
            targets: int64[rows], codes of items that follow another somewhere.
            most: The most recent that are read: a batch of many short sequences has no room for
                long ones.

        Returns:
            int64[rows, width] with zeros at the end, and int64[rows].
        """
        first, end = (np.searchsorted(self._values, targets.numpy(), s) for s in ("left", "right"))
        drawn = self._places[first + (torch.rand(len(targets)).numpy() * (end - first)).astype(int)]
        lengths = np.minimum(self._within[drawn], most)
        before = self._sequences.cut(drawn - lengths, lengths)
        return torch.from_numpy(before.padded()).long(), torch.from_numpy(lengths)
