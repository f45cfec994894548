"""Two augmented views of one sequence: CL4SRec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor

from foretaste.models.sequence.objectives.base import Given, Objective, ObjectiveConfig
from foretaste.models.sequence.objectives.views import (
    cut,
    hidden_places,
    lengths_of,
    random_run,
    shuffled,
)
from foretaste.training import contrastive_loss

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork


class AugmentationConfig(ObjectiveConfig):
    """Settings of `Augmentation`.

    Attributes:
        crop: Share of a sequence that is kept when it is cropped.
        mask: Share of its items that are hidden when it is masked.
        reorder: Share of it that is shuffled when it is reordered.
        temperature: What likeness is divided by.
    """

    kind: Literal["augmentation"] = "augmentation"
    crop: float = Field(default=0.6, gt=0, le=1)
    mask: float = Field(default=0.3, gt=0, lt=1)
    reorder: float = Field(default=0.6, gt=0, le=1)
    temperature: float = Field(default=0.2, gt=0)

    def build(self, given: Given) -> Augmentation:
        """The objective."""
        return Augmentation(self)


class Augmentation(Objective):
    """Two views of a sequence, each cropped, masked or reordered, must be told from all others.

    Xie et al., "Contrastive Learning for Sequential Recommendation" (ICDE 2022).
    """

    def __init__(self, config: AugmentationConfig) -> None:
        super().__init__()
        self._config = config

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Mean contrastive loss of the rows."""
        one, other = (network.foresee_codes(*self._view(codes)) for _ in range(2))
        return contrastive_loss(one, other, self._config.temperature)

    def _view(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Every row changed in one of the three ways, and the rows' lengths."""
        config, width, lengths = self._config, codes.shape[1], lengths_of(codes)
        cropped, fewer = cut(codes, random_run(lengths, width, config.crop))
        masked = codes.masked_fill(hidden_places(codes, config.mask), 0)
        reordered = shuffled(codes, random_run(lengths, width, config.reorder))
        way = torch.randint(3, (len(codes),))
        ways = torch.stack([cropped, masked, reordered])
        return ways[way, torch.arange(len(codes))], torch.where(way == 0, fewer, lengths)
