"""Gated recurrent networks: GRU4Rec (Hidasi et al., ICLR 2016), and the same with an LSTM."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from foretaste.training import ByteDropout

_CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


class Recurrent(nn.Module):
    """Layers of gated units, each added to what it read.

    Args:
        kind: Of the units.
        layers: How many.
        dimension: Of the vectors and the hidden states.
        dropout: Share of activations dropped in training, after each layer.
    """

    def __init__(
        self, kind: Literal["gru", "lstm"], *, layers: int, dimension: int, dropout: float
    ) -> None:
        super().__init__()
        cell = _CELLS[kind]
        self.layers = nn.ModuleList(
            cell(dimension, dimension, batch_first=True) for _ in range(layers)
        )
        self.dropout = ByteDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """float[rows, width, dimension] to the same; no position sees a later one."""
        # Step by step, small products gain nothing from bf16 and lose in accuracy.
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            for layer in self.layers:
                x = x + self.dropout(layer(x)[0])
        return x
