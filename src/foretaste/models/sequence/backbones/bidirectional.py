"""A transformer that looks both ways, for masked items: BERT4Rec (Sun et al., CIKM 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.models.sequence.backbones.base import Backbone, at_places
from foretaste.models.sequence.backbones.transformer import GatedBlocks
from foretaste.training import ByteDropout


class BidirectionalBackbone(Backbone):
    """Says at every place which item belongs there, from those before and after it.

    What comes next is what belongs to a hidden place after the last item. A hidden item is a zero
    vector, which the first norm turns into a learnt one. It differs from the paper in the blocks:
    gated, before a norm, with rotary positions, as those of the causal transformer.

    Args:
        layers: Gated blocks.
        dimension: Of the vectors, an even multiple of `heads`.
        heads: Attention heads a block.
        room: Most places of a row, with the hidden one.
        dropout: Share of activations dropped in training.
    """

    causal = False

    def __init__(
        self, *, layers: int, dimension: int, heads: int, room: int, dropout: float
    ) -> None:
        super().__init__()
        self.input_norm = nn.LayerNorm(dimension)
        self.dropout = ByteDropout(dropout)
        self.blocks = GatedBlocks(
            layers=layers, dimension=dimension, heads=heads, room=room, dropout=dropout
        )
        self.output_norm = nn.LayerNorm(dimension)
        self.head = nn.Linear(dimension, dimension)

    def forward(self, vectors: Tensor) -> Tensor:
        """As `Backbone.forward`; a place attends to itself and to what is told."""
        told = vectors.any(dim=2)[:, None, :]
        seen = told | torch.eye(vectors.shape[1], dtype=torch.bool)
        x = self.dropout(self.input_norm(vectors))
        return self.head(self.output_norm(self.blocks(x, seen)))

    def last(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """The state at a hidden place after the last item."""
        return at_places(self(functional.pad(vectors, (0, 0, 0, 1))), lengths)
