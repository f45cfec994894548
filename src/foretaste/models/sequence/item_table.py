"""Item vectors: what an item says, frozen, plus a bounded correction learnt from behaviour."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ItemTable(nn.Module):
    """One vector for every item code: ``base + clip(correction)``.

    The base comes from the item's words and is the same for an item nobody has touched; the
    correction starts at zero and never grows longer than `bound`, so that behaviour can refine
    what the words say but not forget it. Without a base the correction is all there is, starts
    small and random, and has no bound.

    Args:
        items: Number of items; code 0 is padding, whose vector is zero.
        dimension: Length of the vectors.
        base: float32[items + 1, dimension], or None.
        bound: Longest correction.
        hidden: Share of items that in training stand without their correction, as an item nobody
            has touched does, so that such items are measured alike (DropoutNet, Volkovs et al.,
            2017). Only with a base.
    """

    undecayed = True
    base: Tensor | None

    def __init__(
        self, items: int, dimension: int, base: Tensor | None, bound: float, hidden: float
    ) -> None:
        super().__init__()
        start = torch.zeros(items + 1, dimension)
        if base is None:
            start.normal_(std=dimension**-0.5)
            start[0] = 0
        self.register_buffer("base", base, persistent=base is not None)
        self.correction = nn.Parameter(start)
        self.bound = bound
        self.hidden = 0.0 if base is None else hidden
        self._shown: Tensor | None = None

    def hide_some(self) -> None:
        """Draws anew the items that stand without their correction, for one step of training."""
        if self.hidden:
            self._shown = torch.rand(len(self.correction), 1) >= self.hidden

    def forward(self, codes: Tensor) -> Tensor:
        """Vectors of `codes`, float[..., dimension]."""
        correction = nn.functional.embedding(codes, self.correction, padding_idx=0)
        if self.training and self._shown is not None:
            correction = correction * self._shown[codes]
        return self._combined(None if self.base is None else self.base[codes], correction)

    def all(self) -> Tensor:
        """The whole table, float[items + 1, dimension]."""
        return self._combined(self.base, self.correction)

    def extend(self, base: Tensor | None, items: int) -> None:
        """Adds items without a correction; `base`, float[items, dimension], are their words."""
        if self.base is not None and base is not None:
            self.base = torch.cat([self.base, base])
        added = self.correction.new_zeros(items, self.correction.shape[1])
        self.correction = nn.Parameter(torch.cat([self.correction.detach(), added]))

    def _combined(self, base: Tensor | None, correction: Tensor) -> Tensor:
        if base is None:
            return correction
        length = correction.norm(dim=-1, keepdim=True)
        return base + correction * (self.bound / length.clamp_min(self.bound))
