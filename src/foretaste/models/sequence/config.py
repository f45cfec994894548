"""Settings of the sequence model."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from foretaste.config import Config
from foretaste.content import TextEncoderConfig
from foretaste.training import TrainingConfig


class SequenceConfig(Config):
    """The sequence model's shape and training.

    Attributes:
        content: The encoder of the items' words; None learns from behaviour alone.
        dimension: Length of item vectors and states.
        layers: Gated blocks.
        heads: Attention heads a block; `dimension` is an even multiple.
        length: Most recent actions read.
        bound: Longest correction of a text vector, which itself has length 1.
        dropout: Share of activations dropped in training.
        negatives: Items drawn in each step to stand for the catalogue; from the catalogue's size
            on, the full softmax.
        debias: Power of exposure that is corrected: added to logits in training as the log of a
            prior, and left out when it answers. 0 corrects nothing.
        exposure: Column of the items that says how often each was shown; without it, popularity
            stands for that.
        seed: Of initial weights, order, negatives and dropout.
        training: The loop's settings.
    """

    content: TextEncoderConfig | None = None
    dimension: int = Field(default=128, ge=1)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=2, ge=1)
    length: int = Field(default=200, ge=1)
    bound: float = Field(default=1.0, gt=0)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    negatives: int = Field(default=4096, ge=1)
    debias: float = Field(default=0.0, ge=0, le=1)
    exposure: str | None = None
    seed: int = Field(default=0, ge=0)
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.dimension % (2 * self.heads):
            raise ValueError(
                f"dimension {self.dimension} is no even multiple of {self.heads} heads"
            )
        return self
