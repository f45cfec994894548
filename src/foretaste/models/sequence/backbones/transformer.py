"""Transformer blocks with gated residuals over a sequence of vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.training import ByteDropout

#: The slowest pair of coordinates turns by one radian in so many actions.
_SLOWEST = 1000.0


class GatedBlock(nn.Module):
    """Pre-norm attention and feed-forward, each added through a learnt gate (LiGR).

    ``x + sigmoid(W x) * f(norm(x))``, after Borisyuk et al., "From Features to Transformers"
    (2025), eq. 1.
    """

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dimension)
        self.qkv = nn.Linear(dimension, 3 * dimension)
        self.out = nn.Linear(dimension, dimension)
        self.attention_gate = nn.Linear(dimension, dimension)
        self.forward_norm = nn.LayerNorm(dimension)
        self.feed_forward = nn.Sequential(
            nn.Linear(dimension, 4 * dimension), nn.GELU(), nn.Linear(4 * dimension, dimension)
        )
        self.forward_gate = nn.Linear(dimension, dimension)
        self.dropout = ByteDropout(dropout)

    def forward(self, x: Tensor, turns: Tensor, seen: Tensor | None = None) -> Tensor:
        """One block.

        Args:
            x: float[rows, width, dimension].
            turns: complex64[width, dimension / heads / 2], of `turns`.
            seen: bool[rows, width, width], what each position attends to; without it, what is
                not later.

        Returns:
            float[rows, width, dimension].
        """
        attended = self.dropout(self._attention(self.attention_norm(x), turns, seen))
        x = x + torch.sigmoid(self.attention_gate(x)) * attended
        fed = self.dropout(self.feed_forward(self.forward_norm(x)))
        return x + torch.sigmoid(self.forward_gate(x)) * fed

    def _attention(self, x: Tensor, turns: Tensor, seen: Tensor | None) -> Tensor:
        rows, width, dimension = x.shape
        qkv = self.qkv(x).view(rows, width, 3, self.heads, dimension // self.heads)
        q, k, v = qkv.float().permute(2, 0, 3, 1, 4)
        q, k = rotated(q, turns), rotated(k, turns)
        mask = None if seen is None else seen[:, None]
        # On processors attention in bf16 takes twice as long as in fp32.
        with torch.autocast(x.device.type, enabled=False):
            attended = functional.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=mask is None
            )
        return self.out(attended.transpose(1, 2).reshape(rows, width, dimension))


def turns(width: int, dimension: int) -> Tensor:
    """Angles of rotary position embedding (Su et al., 2021) as unit complex numbers.

    Attention then sees how far apart two actions are, and not where in the history they stand.

    Returns:
        complex64[width, dimension / 2].
    """
    rates = _SLOWEST ** -torch.linspace(0, 1, dimension // 2)
    angles = torch.arange(width)[:, None] * rates
    return torch.polar(torch.ones_like(angles), angles)


def rotated(x: Tensor, turns: Tensor) -> Tensor:
    """float[..., width, dimension], pairs of coordinates turned by the angles of their position."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turns).flatten(-2)


class GatedBlocks(nn.ModuleList):
    """Gated blocks one after the other.

    Args:
        layers: How many.
        dimension: Of the vectors, an even multiple of `heads`.
        heads: Attention heads a block.
        room: Most places of a row.
        dropout: Share of activations dropped in training.
    """

    def __init__(
        self, *, layers: int, dimension: int, heads: int, room: int, dropout: float
    ) -> None:
        super().__init__(GatedBlock(dimension, heads, dropout) for _ in range(layers))
        self.register_buffer("turns", turns(room, dimension // heads), persistent=False)

    turns: Tensor

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """As the forward of a block, through all of them."""
        turns = self.turns[: x.shape[1]]
        for block in self:
            x = block(x, turns, seen)
        return x
