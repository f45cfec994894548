"""Networks that read a person's latest labelled items one by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foretaste.models.interest.bodies._layers import Batch, Vectors
from foretaste.models.interest.bodies.base import BodyConfig, Shape
from foretaste.models.interest.bodies.heads import headed
from foretaste.models.sequence.backbones import build_backbone
from foretaste.models.sequence.config import SequenceConfig

#: Sides of the label that are told apart: not acted, acted.
_LABELS = 2


class Past(nn.Module):
    """Vectors of the items of the past, moved by what came of them.

    Args:
        vectors: Of items.
        dimension: Of those vectors.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.outcome = nn.Parameter(torch.randn(_LABELS, dimension) * 0.05)

    def forward(self, vectors: Vectors, batch: Batch) -> Tensor:
        """float[n, history, d]."""
        label = batch.past_labels[:, :, None]
        outcome = (1 - label) * self.outcome[0] + label * self.outcome[1]
        return vectors.item(batch.past_items) + outcome


class DIN(nn.Module):
    """Hidden layers over all fields and the past as it bears on the item (Zhou et al., 2018).

    Each item of the past is weighed by a small network of it, the candidate, their difference and
    their product; weights do not add up to one, so that a strong interest stays strong.
    """

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        d = config.dimension
        self.vectors = Vectors(shape, d)
        self.past = Past(d)
        self.attention = nn.Sequential(nn.Linear(4 * d, 32), nn.PReLU(), nn.Linear(32, 1))
        self.deep = headed((self.vectors.fields + 1) * d, shape, config)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n], of several goals float[n, goals]."""
        flat = self.vectors(batch).flatten(1)
        interest = self.interest(batch)
        return self.deep(torch.cat([flat, interest], dim=1)).squeeze(1)

    def interest(self, batch: Batch) -> Tensor:
        """What of the past bears on the item, float[n, d]."""
        past = self.past(self.vectors, batch)
        item = self.vectors.asked(batch)[:, None].expand_as(past)
        read = torch.cat([past, item, past - item, past * item], dim=2)
        weights = self.attention(read) * (batch.past_items > 0)[:, :, None]
        # By the root of the length, so that long pasts do not drown everything else.
        length = (batch.past_items > 0).sum(1, keepdim=True).clamp_min(1).sqrt()
        return (weights * past).sum(1) / length


class Fused(nn.Module):
    """The state of a causal transformer over the past, the item, and every other field.

    The sequence model's body (gated blocks and a recent mean, see `models/sequence`) reads the
    past with its outcomes; its state, the item and the product of both stand beside ids, words,
    choices and numbers, and beside the past as far as it bears on the item (`DIN`).
    """

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        d = config.dimension
        self.din = DIN(shape, config)
        self.backbone = build_backbone(
            SequenceConfig(
                dimension=d, layers=1, heads=1, length=shape.history, dropout=config.dropout
            )
        )
        self.deep = headed((self.din.vectors.fields + 4) * d, shape, config)
        # The head of DIN itself is not asked.
        self.din.deep = nn.Sequential()

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n], of several goals float[n, goals]."""
        vectors = self.din.vectors
        state, item = self._state(batch), vectors.asked(batch)
        parts = [vectors(batch).flatten(1), self.din.interest(batch), state, item, state * item]
        return self.deep(torch.cat(parts, dim=1)).squeeze(1)

    def _state(self, batch: Batch) -> Tensor:
        """What the whole past says, float[n, d]; zero where there is none."""
        length = (batch.past_items > 0).sum(1)
        past = self.din.past(self.din.vectors, batch)
        return self.backbone.last(past, length.clamp_min(1)) * (length > 0)[:, None]
