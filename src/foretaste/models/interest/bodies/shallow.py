"""Networks of one step: logistic regression and factorisation machines."""

from __future__ import annotations

from torch import Tensor, nn

from foretaste.models.interest.bodies._layers import Batch, Linear, Vectors
from foretaste.models.interest.bodies.base import BodyConfig, Shape


class LogisticRegression(nn.Module):
    """A weight for everything a pair holds."""

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        self.linear = Linear(shape)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n]."""
        return self.linear(batch)


class FactorisationMachine(nn.Module):
    """The products of all pairs of fields' vectors beside their weights (FM, Rendle, 2010)."""

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        super().__init__()
        self.linear = Linear(shape)
        self.vectors = Vectors(shape, config.dimension)

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n]."""
        return self.linear(batch) + products(self.vectors(batch))


def products(vectors: Tensor) -> Tensor:
    """The sum of the products of all pairs of vectors, float[n, fields, d] to float[n]."""
    return (vectors.sum(1).square() - vectors.square().sum(1)).sum(1) / 2
