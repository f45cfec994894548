"""Items hidden in the sequence: the Cloze task of BERT4Rec, and S3-Rec's masked items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor

from foretaste.models.sequence.objectives.base import Given, Objective, ObjectiveConfig
from foretaste.models.sequence.objectives.views import hidden_places, lengths_of
from foretaste.training import UniformNegatives

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork

#: Of the rows, those in which the last item alone is hidden, as it is when the model answers.
_LAST_ONLY = 0.2


class MaskedItemConfig(ObjectiveConfig):
    """Settings of `MaskedItem`.

    Attributes:
        share: Of the items, which are hidden.
    """

    kind: Literal["masked_item"] = "masked_item"
    share: float = Field(default=0.2, gt=0, lt=1)

    def build(self, given: Given) -> MaskedItem:
        """The objective."""
        return MaskedItem(given.negatives, self.share)


class MaskedItem(Objective):
    """A network must say which items are hidden (Sun et al., 2019; Zhou et al., 2020, eq. 5).

    A backbone that looks both ways says it from both sides, a causal one from what came before.

    Args:
        negatives: Draws the items that every target must beat.
        share: Of the items, which are hidden; at least one a row.
    """

    def __init__(self, negatives: UniformNegatives, share: float) -> None:
        super().__init__()
        self._negatives = negatives
        self._share = share

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Mean cross-entropy of the hidden items against the negatives."""
        hidden = hidden_places(codes, self._share)
        last = torch.arange(codes.shape[1]) == lengths_of(codes)[:, None] - 1
        hidden = torch.where(torch.rand(len(codes), 1) < _LAST_ONLY, last, hidden)
        sampled = self._negatives.draw()
        states = network(codes.masked_fill(hidden, 0))
        return network.item_loss(states[hidden], codes[hidden], sampled, self._negatives)
