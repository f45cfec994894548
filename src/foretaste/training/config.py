"""Settings of the training loop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from foretaste.config import Config


class TrainingConfig(Config):
    """How a network is trained, whatever the network.

    Attributes:
        epochs: Most passes over the data.
        patience: Stop after this many epochs without a better validation metric. Without
            validation data all epochs are run.
        precision: Of matrix products; "auto" takes bf16 where the processor computes in it, which
            takes two thirds of the time of fp32. Weights and sums are kept in fp32.
        batch_tokens: Most positions in a batch, padding included.
        learning_rate: Of AdamW, after the warm-up.
        warmup_steps: Steps over which the learning rate rises from zero, all in the first epoch.
        weight_decay: Of AdamW, on matrices only (not on biases, norms or item tables).
        gradient_clip: Largest norm of the whole gradient.
        average: Decay a step of the moving average of the weights, which is what is validated and
            kept (Polyak & Juditsky, 1992); 0 keeps the weights as they are.
        validation_users: Most users ranked after each epoch.
    """

    epochs: int = Field(default=100, ge=1)
    patience: int = Field(default=3, ge=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    batch_tokens: int = Field(default=2048, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    warmup_steps: int = Field(default=200, ge=0)
    weight_decay: float = Field(default=0.01, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    average: float = Field(default=0.999, ge=0, lt=1)
    validation_users: int = Field(default=10_000, ge=1)
