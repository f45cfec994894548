"""Dropout whose random numbers cost next to nothing on a processor."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ByteDropout(nn.Module):
    """Drops activations by one random byte each (Srivastava et al., 2014).

    `nn.Dropout` draws a random float an activation, which on a processor takes longer than the
    matrix product before it; one 64-bit draw here serves eight. The share dropped is therefore a
    multiple of 1/256, the nearest to the one asked for.

    Args:
        share: Of the activations that are dropped in training, in [0, 1).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.below = round(256 * share)

    def forward(self, x: Tensor) -> Tensor:
        """Zeros a random share of `x` and scales the rest up; outside training, `x` itself."""
        if not self.training or not self.below:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
        random_bytes = words.random_(torch.iinfo(torch.int64).min, None).view(torch.uint8)
        kept = (random_bytes[: x.numel()] >= self.below).view(x.shape)
        return x * kept * (256 / (256 - self.below))
