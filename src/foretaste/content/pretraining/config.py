"""Settings of pretraining."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from foretaste.config import Config

#: What is learnt: words of the catalogue, which fields belong together, which views are of one
#: item, or which items people take one after the other.
Objective = Literal["mlm", "sections", "contrastive", "behaviour"]

#: What of the network is trained; the last three are parameter-efficient, through `peft`.
Method = Literal["full", "last-layers", "lora", "ia3", "prefix"]


class ScratchConfig(Config):
    """A network that starts from nothing, with a tokenizer learnt from the catalogue.

    Attributes:
        vocabulary: Most tokens.
        layers: Of the transformer.
        dimension: Of its vectors.
        heads: Attention heads a layer; they divide the dimension.
    """

    vocabulary: int = Field(default=8000, ge=100)
    layers: int = Field(default=4, ge=1)
    dimension: int = Field(default=256, ge=8)
    heads: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"dimension {self.dimension} is no multiple of {self.heads} heads")
        return self


class PretrainingConfig(Config):
    """How a language model is made to know a shop.

    Attributes:
        objective: "mlm" foresees words (of a decoder: the next word), "sections" tells whether
            two fields are of one item, "contrastive" brings two views of an item together,
            "behaviour" brings an item close to what people take after it.
        views: Of "contrastive": the same text under two dropout masks (SimCSE), or two texts of
            different fields and words.
        tower: Of "behaviour", what foresees the next item: the one before it, the mean of the
            history with the latest weighted most, or a small causal transformer over it that is
            trained along and left out of the result.
        method: What of the network is trained.
        layers: Of "last-layers": how many.
        rank: Of "lora": of its matrices; of "prefix": how many vectors are put before each layer.
        scratch: Start from nothing in place of a pretrained model.
        max_tokens: Texts are cut at so many tokens in training; the result still reads whole ones.
        history: Of "behaviour", most recent actions of a person that are learnt from.
        mask: Of "mlm": share of tokens that are hidden.
        temperature: Divides cosines in the losses.
        batch: Items, or for "behaviour" people, a step.
        epochs: Most passes over the data.
        steps: Most steps in all; null: as many as the epochs have.
        patience: Stop after so many epochs without a lower held-out loss.
        held_out: Share of the items, or people, that the held-out loss is measured on.
        learning_rate: Highest of AdamW; it rises over a tenth of the steps and falls to zero.
        precision: Of matrix products, as `TrainingConfig.precision`.
        tensorboard: Folder in which losses are also written for TensorBoard.
        seed: Of everything random.
    """

    objective: Objective = "behaviour"
    views: Literal["dropout", "fields"] = "dropout"
    tower: Literal["item", "history", "sequence"] = "history"
    method: Method = "full"
    layers: int = Field(default=2, ge=1)
    rank: int = Field(default=16, ge=1)
    scratch: ScratchConfig | None = None
    max_tokens: int = Field(default=64, ge=8)
    history: int = Field(default=10, ge=2)
    mask: float = Field(default=0.15, gt=0, lt=1)
    temperature: float = Field(default=0.05, gt=0)
    batch: int = Field(default=64, ge=2)
    epochs: int = Field(default=3, ge=1)
    steps: int | None = Field(default=None, ge=1)
    patience: int = Field(default=2, ge=1)
    held_out: float = Field(default=0.05, gt=0, le=0.5)
    learning_rate: float = Field(default=5e-5, gt=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    tensorboard: Path | None = None
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.method == "prefix" and self.objective == "mlm":
            raise ValueError("a prefix changes vectors, not words: use another method with mlm")
        if self.scratch is not None and self.method != "full":
            raise ValueError("a network from scratch is trained in full")
        return self
