"""Items that stand in for the whole catalogue in a loss."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class UniformNegatives:
    """Draws distinct items uniformly from those that may be recommended.

    Args:
        pool: int64[n], codes to draw from, in rising order.
        size: How many at once; with `size` of `n` or more, the whole pool is returned.
        prior: float[items + 1], to be added to the logits of items in training: what the log tells
            of them that is not to be learnt (the logit adjustment of Menon et al., 2021).
    """

    def __init__(self, pool: Tensor, size: int, prior: Tensor | None = None) -> None:
        self.pool = pool
        self.size = size
        self.prior = prior

    def draw(self) -> Tensor:
        """int64[min(size, n)], codes without repeats and in rising order, by torch's randomness."""
        if self.size >= len(self.pool):
            return self.pool
        seed = int(torch.randint(2**62, ()))
        # NumPy's draw takes time in proportion to `size`, a permutation of the pool to the pool.
        chosen = np.random.default_rng(seed).choice(len(self.pool), self.size, replace=False)
        return self.pool[torch.from_numpy(chosen).sort().values]
