"""Networks that put modalities together, of which any may be missing."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


class FusionNetwork(nn.Module, ABC):
    """Puts modalities together: float[n, modalities, d] to float[n, d], zero rows are missing."""

    def __init__(self, modalities: int, dimension: int, dropped: float) -> None:
        super().__init__()
        self._dropped = dropped
        # At the start they are taken as they are: the sum is a mean of whitened vectors.
        eye = torch.eye(dimension).repeat(modalities, 1, 1)
        self.maps = nn.Parameter(eye)

    def forward(self, vectors: Tensor) -> Tensor:
        """Unit vectors, float[n, d]; zero for rows without any modality."""
        present = self._kept(vectors.abs().sum(2) > 0)
        mapped = torch.einsum("nmd,mde->nme", vectors, self.maps) * present[:, :, None]
        return normalize(self._together(mapped, present), dim=1)

    @abstractmethod
    def _together(self, mapped: Tensor, present: Tensor) -> Tensor:
        """What comes of float[n, modalities, d], of which only some are present."""

    def _kept(self, present: Tensor) -> Tensor:
        """In training, one modality alone for some rows, drawn among those they have."""
        if not self.training:
            return present
        drawn = (torch.rand(present.shape) * present).argmax(1, keepdim=True)
        alone = torch.zeros_like(present).scatter(1, drawn, value=True) & present
        return torch.where(torch.rand(len(present), 1) < self._dropped, alone, present)


class GatedSum(FusionNetwork):
    """A sum whose weights depend on all that is there (Arevalo et al., "Gated multimodal units",
    2017).
    """

    def __init__(self, modalities: int, dimension: int, dropped: float) -> None:
        super().__init__(modalities, dimension, dropped)
        self.gate = nn.Linear(modalities * dimension, modalities)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def _together(self, mapped: Tensor, present: Tensor) -> Tensor:
        return _weighted(self.gate(mapped.flatten(1)), mapped, present)


class Attention(FusionNetwork):
    """A mean in which an item as a whole attends to its modalities, by the scaled dot product
    (Vaswani et al., "Attention is all you need", 2017).
    """

    def __init__(self, modalities: int, dimension: int, dropped: float) -> None:
        super().__init__(modalities, dimension, dropped)
        self.kind = nn.Parameter(torch.zeros(modalities, dimension))
        self.query, self.key = nn.Linear(dimension, dimension), nn.Linear(dimension, dimension)
        nn.init.zeros_(self.query.weight)
        nn.init.zeros_(self.query.bias)

    def _together(self, mapped: Tensor, present: Tensor) -> Tensor:
        keys = self.key(mapped + self.kind)
        scores = (keys @ self.query(mapped.sum(1))[:, :, None]).squeeze(2) / keys.shape[2] ** 0.5
        return _weighted(scores, mapped, present)


def _weighted(scores: Tensor, mapped: Tensor, present: Tensor) -> Tensor:
    """Sums of modalities, float[n, d], weighted by the softmax of their scores, if present."""
    weights = torch.softmax(scores.masked_fill(~present, -1e9), 1)
    return (weights[:, :, None] * mapped).sum(1)
