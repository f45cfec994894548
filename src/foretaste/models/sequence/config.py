"""Settings of the sequence model."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from foretaste.config import Config
from foretaste.content import TextEncoderConfig
from foretaste.models.sequence.objectives.joint import AnyObjectiveConfig
from foretaste.training import TrainingConfig

#: What reads the sequence; see `foretaste.models.sequence.backbones`.
BackboneName = Literal["transformer", "gru", "lstm", "cnn", "linear_recurrent", "bert4rec"]

#: Training events that are few and many, and the dropout that suits them.
_FEW, _MANY = (200_000, 0.5), (800_000, 0.2)


def usual_dropout(events: int) -> float:
    """The dropout that suits so many training events.

    SASRec's makers take 0.5 on Amazon's shops and 0.2 on ML-1M (Kang & McAuley, 2018), which holds
    here too; between them it falls with the logarithm of the events.
    """
    (few, most), (many, least) = _FEW, _MANY
    return float(np.interp(np.log(max(events, 1)), np.log([few, many]), [most, least]))


class SequenceConfig(Config):
    """The sequence model's shape and training.

    Attributes:
        content: The encoder of the items' words; None learns from behaviour alone.
        backbone: "transformer" looks back at all actions, "gru" and "lstm" go from one to the next,
            "cnn" looks back by dilated convolutions, "linear_recurrent" sums up what went before;
            "bert4rec" looks both ways and learns to say items that were hidden from it.
        hidden_share: Of the items, which are hidden from "bert4rec" in training.
        objectives: What is learnt beside the backbone's own task, each by its `kind` with a
            `weight`: "augmentation", "same_target", "masked_item", "item_attribute", "segment".
        own_weight: Of the backbone's own task: to foresee the next item, or to say hidden ones; 0
            learns the objectives alone, to be gone on from.
        dimension: Length of item vectors and states.
        layers: Blocks of the backbone.
        heads: Attention heads a block of a transformer; `dimension` is an even multiple.
        length: Most recent actions read.
        cuts: Share of the histories that are cut in two in each epoch, so that a few actions are
            read as anybody's latest ones, too, and not only as somebody's first ones: for sessions
            of people who are known under no name.
        whitening: How far the principal components of the items' words are brought to equal
            variance, from 0 to 1: so that what tells like items apart is heard beside what is
            common to half of the catalogue (Su et al., 2021).
        bound: Longest correction of a text vector, which itself has length 1.
        dropout: Share of activations dropped in training; null: the less there is to learn from,
            the more (`usual_dropout`).
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
    backbone: BackboneName = "transformer"
    hidden_share: float = Field(default=0.2, gt=0, lt=1)
    objectives: tuple[AnyObjectiveConfig, ...] = ()
    own_weight: float = Field(default=1.0, ge=0)
    dimension: int = Field(default=128, ge=1)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=2, ge=1)
    length: int = Field(default=200, ge=1)
    cuts: float = Field(default=0.0, ge=0, le=1)
    whitening: float = Field(default=1.0, ge=0, le=1)
    bound: float = Field(default=1.0, gt=0)
    dropout: float | None = Field(default=None, ge=0, lt=1)
    negatives: int = Field(default=4096, ge=1)
    debias: float = Field(default=0.0, ge=0, le=1)
    exposure: str | None = None
    seed: int = Field(default=0, ge=0)
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _something_to_learn(self) -> Self:
        if not self.own_weight and not self.objectives:
            raise ValueError("with own_weight 0 and no objectives there is nothing to learn")
        return self

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.dimension % (2 * self.heads):
            raise ValueError(
                f"dimension {self.dimension} is no even multiple of {self.heads} heads"
            )
        return self

    def for_events(self, events: int) -> Self:
        """The same settings with the dropout that suits so many, where none is given."""
        if self.dropout is not None:
            return self
        return self.model_copy(update={"dropout": usual_dropout(events)})
