"""The item that comes next: what a causal backbone is trained for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from foretaste.models.sequence.objectives.base import Objective
from foretaste.training import UniformNegatives

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork


class NextItem(Objective):
    """Every item of a row must be foreseen from those before it (SASRec, Kang & McAuley 2018)."""

    def __init__(self, negatives: UniformNegatives) -> None:
        super().__init__()
        self._negatives = negatives

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Mean cross-entropy against the negatives."""
        return network.next_item_loss(codes, self._negatives)
