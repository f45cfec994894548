"""Several objectives as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from foretaste.models.sequence.objectives.augmentation import AugmentationConfig
from foretaste.models.sequence.objectives.base import Objective
from foretaste.models.sequence.objectives.item_attribute import ItemAttributeConfig
from foretaste.models.sequence.objectives.masked_item import MaskedItemConfig
from foretaste.models.sequence.objectives.same_target import SameTargetConfig
from foretaste.models.sequence.objectives.segment import SegmentConfig

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork

#: The settings of any objective that can be added, told apart by `kind`.
AnyObjectiveConfig = Annotated[
    AugmentationConfig | ItemAttributeConfig | MaskedItemConfig | SameTargetConfig | SegmentConfig,
    Field(discriminator="kind"),
]


class Joint(nn.Module):
    """A network together with what it is trained for; nothing else is computed.

    Args:
        network: What is trained.
        objectives: Each with the weight of its loss.
    """

    def __init__(
        self, network: SequenceNetwork, objectives: Iterable[tuple[float, Objective]]
    ) -> None:
        super().__init__()
        self.network = network
        weights, parts = zip(*objectives, strict=True)
        self._weights: tuple[float, ...] = weights
        self.objectives = nn.ModuleList(parts)

    def forward(self, codes: Tensor) -> Tensor:
        """Weighted sum of the losses of item codes, int64[rows, width]."""
        losses = [objective(self.network, codes) for objective in self.objectives]
        return torch.stack([w * x for w, x in zip(self._weights, losses, strict=True)]).sum()
