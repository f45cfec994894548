"""Networks with hidden layers over all fields."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foretaste.models.interest.bodies._layers import Batch, Linear, Vectors, hidden, scored
from foretaste.models.interest.bodies.base import BodyConfig, Shape
from foretaste.models.interest.bodies.heads import headed
from foretaste.models.interest.bodies.shallow import products


class Deep(nn.Module):
    """Hidden layers over all vectors side by side (MLP)."""

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        self.vectors = Vectors(shape, config.dimension)
        self.deep = headed(self.vectors.fields * config.dimension, shape, config)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n], of several goals float[n, goals]."""
        return self.deep(self.vectors(batch).flatten(1)).squeeze(1)


class WideAndDeep(nn.Module):
    """Logistic regression and hidden layers, added up (Cheng et al., 2016).

    The wide half has no crossed features made by hand.
    """

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        self.wide = Linear(shape)
        self.deep = Deep(shape, config)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n]."""
        return self.wide(batch) + self.deep(batch)


class DeepFM(nn.Module):
    """A factorisation machine and hidden layers over the same vectors (Guo et al., 2017)."""

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        self.linear = Linear(shape)
        self.vectors = Vectors(shape, config.dimension)
        self.deep = scored(self.vectors.fields * config.dimension, config)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n]."""
        vectors = self.vectors(batch)
        deep = self.deep(vectors.flatten(1)).squeeze(1)
        return self.linear(batch) + products(vectors) + deep


class DCNv2(nn.Module):
    """Crosses ``x0 * (W x + b) + x`` beside hidden layers (Wang et al., 2021, equation 1)."""

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        self.vectors = Vectors(shape, config.dimension)
        width = self.vectors.fields * config.dimension
        self.crosses = nn.ModuleList(nn.Linear(width, width) for _ in range(config.crosses))
        self.deep = hidden(width, config)
        self.head = nn.Linear(width + config.layers[-1], 1)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n]."""
        start = crossed = self.vectors(batch).flatten(1)
        for cross in self.crosses:
            crossed = start * cross(crossed) + crossed
        return self.head(torch.cat([crossed, self.deep(start)], dim=1)).squeeze(1)


class FinalMLP(nn.Module):
    """Two streams of hidden layers, each over fields gated by one side, and their products.

    FinalMLP (Mao et al., 2023): one stream's gates follow the person's vector, the other's the
    item's; what comes out is multiplied in `heads` parts.
    """

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        self.vectors = Vectors(shape, config.dimension)
        width, last = self.vectors.fields * config.dimension, config.layers[-1]
        heads = next(n for n in range(min(config.heads, last), 0, -1) if last % n == 0)
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Linear(config.dimension, width), nn.Sigmoid()) for _ in range(2)
        )
        self.streams = nn.ModuleList(hidden(width, config) for _ in range(2))
        self.alone = nn.ModuleList(nn.Linear(last, 1) for _ in range(2))
        self.fusion = nn.Parameter(torch.randn(heads, last // heads, last // heads) * 0.05)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n]."""
        vectors = self.vectors(batch)
        flat = vectors.flatten(1)
        # The first two fields are the person and the item.
        outs = [
            stream(flat * 2 * gate(vectors[:, side]))
            for side, (gate, stream) in enumerate(zip(self.gates, self.streams, strict=True))
        ]
        heads = len(self.fusion)
        left, right = (out.unflatten(1, (heads, -1)) for out in outs)
        together = torch.einsum("nhi,hij,nhj->n", left, self.fusion, right)
        alone = [linear(out).squeeze(1) for linear, out in zip(self.alone, outs, strict=True)]
        return together + alone[0] + alone[1]
