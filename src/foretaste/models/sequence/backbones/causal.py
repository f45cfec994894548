"""The frame of every backbone that reads from left to right."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foretaste.models.sequence.backbones.base import Backbone, at_places
from foretaste.training import ByteDropout


class RecentMean(nn.Module):
    """The mean of the vectors so far, the latest weighted most; its decay and scale are learnt.

    Added to what the blocks say, it scores items by their likeness to those of the history,
    from the first step of training on and for items that nobody has touched: the item similarity
    model of FISM (Kabbur et al., 2013) with the memory of time that Fossil (He & McAuley, 2016)
    gave it.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(1.5))
        self.log_rate = nn.Parameter(torch.tensor(-0.5))
        ages = torch.arange(room)[:, None] - torch.arange(room)
        self.register_buffer("ages", ages.float(), persistent=False)

    ages: Tensor

    def forward(self, vectors: Tensor) -> Tensor:
        """float[rows, width, dimension] to the same; no position sees a later one."""
        width = vectors.shape[1]
        ages = self.ages[:width, :width]
        weights = torch.exp(-self.log_rate.exp() * ages.clamp_min(0)).tril()
        weights = weights / weights.sum(1, keepdim=True)
        return self.log_scale.exp() * (weights @ vectors)


class CausalBackbone(Backbone):
    """Blocks that never look ahead, between norms, beside the mean of the recent vectors.

    Args:
        blocks: Maps float[rows, width, dimension] to the same; no position sees a later one.
        dimension: Of the vectors.
        room: Most places of a row.
        dropout: Share of activations dropped in training.
    """

    causal = True

    def __init__(self, blocks: nn.Module, *, dimension: int, room: int, dropout: float) -> None:
        super().__init__()
        self.input_norm = nn.LayerNorm(dimension)
        self.dropout = ByteDropout(dropout)
        self.blocks = blocks
        self.output_norm = nn.LayerNorm(dimension)
        self.head = nn.Linear(dimension, dimension)
        # Training starts from likeness to the history, and learns what to add to it.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.recent = RecentMean(room)

    def forward(self, vectors: Tensor) -> Tensor:
        """As `Backbone.forward`; padding needs no mask, as nothing looks ahead to it."""
        x = self.blocks(self.dropout(self.input_norm(vectors)))
        return self.head(self.output_norm(x)) + self.recent(vectors)

    def last(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """The state at the last item."""
        return at_places(self(vectors), lengths - 1)
