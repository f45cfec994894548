"""A part of a sequence and what stands around it: the segments of S3-Rec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field
from torch import Tensor, nn

from foretaste.models.sequence.objectives.base import Given, Objective, ObjectiveConfig
from foretaste.models.sequence.objectives.views import cut, lengths_of, random_run
from foretaste.training import contrastive_loss

if TYPE_CHECKING:
    from foretaste.models.sequence.network import SequenceNetwork


class SegmentConfig(ObjectiveConfig):
    """Settings of `Segment`.

    Attributes:
        share: Of a sequence, how much the segment takes.
        temperature: What likeness is divided by.
    """

    kind: Literal["segment"] = "segment"
    share: float = Field(default=0.4, gt=0, lt=1)
    temperature: float = Field(default=0.2, gt=0)

    def build(self, given: Given) -> Segment:
        """The objective."""
        return Segment(given.dimension, self.share, self.temperature)


class Segment(Objective):
    """A segment must be told from those of others by what is left of its own sequence.

    Zhou et al., "S3-Rec" (CIKM 2020), eq. 8: likeness is bilinear. Here all other sequences of
    the batch give negatives, where the paper draws one.

    Args:
        dimension: Of states.
        share: Of a sequence, how much the segment takes.
        temperature: What likeness is divided by.
    """

    def __init__(self, dimension: int, share: float, temperature: float) -> None:
        super().__init__()
        self.expects = nn.Linear(dimension, dimension, bias=False)
        self._share = share
        self._temperature = temperature

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Mean contrastive loss of the rows."""
        run = random_run(lengths_of(codes), codes.shape[1], self._share)
        segments = network.foresee_codes(*cut(codes, run))
        around = network.foresee_codes(codes.masked_fill(run, 0), lengths_of(codes))
        return contrastive_loss(self.expects(around), segments, self._temperature)
