"""Items that stand in for the whole catalogue in a loss."""

from __future__ import annotations

import torch
from torch import Tensor


class UniformNegatives:
    """Draws distinct items uniformly from those that may be recommended.

    Args:
        pool: int64[n], codes to draw from, in rising order.
        size: How many at once; with `size` of `n` or more, the whole pool is returned.
        generator: Source of randomness.
    """

    def __init__(self, pool: Tensor, size: int, generator: torch.Generator) -> None:
        self.pool = pool
        self.size = size
        self._generator = generator

    def draw(self) -> Tensor:
        """int64[min(size, n)], codes without repeats and in rising order."""
        if self.size >= len(self.pool):
            return self.pool
        order = torch.randperm(len(self.pool), generator=self._generator)
        return self.pool[order[: self.size].sort().values]
