"""A causal transformer with gated residuals over a sequence of vectors."""

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

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """float[rows, width, dimension] to the same; no position sees a later one."""
        attended = self.dropout(self._attention(self.attention_norm(x), turns))
        x = x + torch.sigmoid(self.attention_gate(x)) * attended
        fed = self.dropout(self.feed_forward(self.forward_norm(x)))
        return x + torch.sigmoid(self.forward_gate(x)) * fed

    def _attention(self, x: Tensor, turns: Tensor) -> Tensor:
        rows, width, dimension = x.shape
        qkv = self.qkv(x).view(rows, width, 3, self.heads, dimension // self.heads)
        q, k, v = qkv.float().permute(2, 0, 3, 1, 4)
        q, k = rotated(q, turns), rotated(k, turns)
        # On processors attention in bf16 takes twice as long as in fp32.
        with torch.autocast(x.device.type, enabled=False):
            attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
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


class RecentMean(nn.Module):
    """The mean of the vectors so far, the latest weighted most; its decay and scale are learnt.

    Added to what the transformer says, it scores items by their likeness to those of the history,
    from the first step of training on and for items that nobody has touched: the item similarity
    model of FISM (Kabbur et al., 2013) with the memory of time that Fossil (He & McAuley, 2016)
    gave it.
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(1.5))
        self.log_rate = nn.Parameter(torch.tensor(-0.5))
        ages = torch.arange(length)[:, None] - torch.arange(length)
        self.register_buffer("ages", ages.float(), persistent=False)

    ages: Tensor

    def forward(self, vectors: Tensor) -> Tensor:
        """float[rows, width, dimension] to the same; no position sees a later one."""
        width = vectors.shape[1]
        ages = self.ages[:width, :width]
        weights = torch.exp(-self.log_rate.exp() * ages.clamp_min(0)).tril()
        weights = weights / weights.sum(1, keepdim=True)
        return self.log_scale.exp() * (weights @ vectors)


class Backbone(nn.Module):
    """Reads item vectors in order and says, at every position, what comes next.

    Args:
        dimension: Of the vectors, an even multiple of `heads`.
        layers: Number of gated blocks.
        heads: Attention heads a block.
        length: Longest sequence.
        dropout: Share of activations dropped in training.
    """

    def __init__(
        self, *, dimension: int, layers: int, heads: int, length: int, dropout: float
    ) -> None:
        super().__init__()
        self.register_buffer("turns", turns(length, dimension // heads), persistent=False)
        self.input_norm = nn.LayerNorm(dimension)
        self.dropout = ByteDropout(dropout)
        self.blocks = nn.ModuleList(GatedBlock(dimension, heads, dropout) for _ in range(layers))
        self.output_norm = nn.LayerNorm(dimension)
        self.head = nn.Linear(dimension, dimension)
        # Training starts from likeness to the history, and learns what to add to it.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.recent = RecentMean(length)

    turns: Tensor

    def forward(self, vectors: Tensor) -> Tensor:
        """Maps float[rows, width, dimension], padded at the end, to states of the same shape.

        Padding needs no mask: attention never looks ahead, and states at padding are not used.
        """
        x = self.dropout(self.input_norm(vectors))
        turns = self.turns[: vectors.shape[1]]
        for block in self.blocks:
            x = block(x, turns)
        return self.head(self.output_norm(x)) + self.recent(vectors)
