"""The contract of a body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from foretaste.config import Config
from foretaste.models.interest.inputs import Inputs, joined
from foretaste.models.interest.question import Goal
from foretaste.training import TrainingConfig, TrainingHistory

Floats = NDArray[np.float32]


class LanguageConfig(Config):
    """Settings of the body that reads a person's history and the item as one text.

    Attributes:
        model: As of a text encoder: a packaged name, a folder, or a name on the hub.
        acted: How an item is written that the person acted on; `{title}` is its text.
        passed: How one is written that they did not act on.
        prompt: The whole text; `{history}` are the items of the past, oldest first.
        separator: Between items of the past.
        max_tokens: Longer texts lose the oldest actions; the item itself and the prompt stay.
        lora_rank: Rank of the low-rank updates of attention (LoRA, Hu et al., 2022) that are
            trained; 0 trains all weights.
        pairs_an_epoch: Drawn from the training pairs for each epoch.
        training: How it is trained; a batch holds `batch_tokens` tokens.
    """

    model: str = "all-MiniLM-L6-v2"
    acted: str = "liked {title}"
    passed: str = "disliked {title}"
    prompt: str = "{history} [SEP] {title}"
    separator: str = "; "
    max_tokens: int = Field(default=128, ge=16)
    lora_rank: int = Field(default=8, ge=0)
    pairs_an_epoch: int = Field(default=10_000, ge=1)
    training: TrainingConfig = TrainingConfig(
        epochs=3, patience=1, batch_tokens=4096, learning_rate=1e-3, warmup_steps=50, average=0.99
    )

    @field_validator("acted", "passed")
    @classmethod
    def _tells_title(cls, template: str) -> str:
        if template.count("{title}") != 1:
            raise ValueError("the template must hold {title} once")
        return template

    @field_validator("prompt")
    @classmethod
    def _tells_both(cls, template: str) -> str:
        if template.count("{title}") != 1 or template.count("{history}") != 1:
            raise ValueError("the prompt must hold {history} and {title}, once each")
        return template


class BodyConfig(Config):
    """Settings that bodies share; each reads those that concern it.

    Attributes:
        dimension: Length of the vectors of ids and choices.
        layers: Widths of hidden layers.
        dropout: Share of activations dropped in training.
        unknown: Share of people, and of items, whose ids are hidden from networks in training, as
            those of people and items they have not met will be.
        crosses: Cross layers, of DCNv2.
        heads: Of the bilinear fusion of FinalMLP.
        sharing: What several goals share beside the vectors of all fields: nothing more
            ("vectors"), all hidden layers ("bottom"), or a number of experts that each goal
            mixes in its own way ("experts").
        experts: So many of those.
        rating: Learn numbers between 0 and 1 by their squared error, not whether they are 1; of
            several goals, each says so itself.
        focal: Exponent of the focal loss (Lin et al., 2017); 0 is cross-entropy.
        consistency: Weight of answers staying the same where some of what is read is missing
            (Pi-model, Laine & Aila, 2017); pairs without a label then count, too.
        blanked: Share of choices, numbers and pasts that is missing there.
        trees: Of boosted trees, at most.
        leaves: Of a tree.
        tree_rate: Learning rate of boosting.
        training: Of networks; a batch holds `batch_tokens` pairs.
        language: Of the body that reads, with how it is trained.
        seed: Of weights, order, dropout and draws.
    """

    dimension: int = Field(default=16, ge=2)
    layers: tuple[int, ...] = Field(default=(64, 32), min_length=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    unknown: float = Field(default=0.5, ge=0, lt=1)
    crosses: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    sharing: Literal["vectors", "bottom", "experts"] = "experts"
    experts: int = Field(default=4, ge=1)
    rating: bool = False
    focal: float = Field(default=0.0, ge=0)
    consistency: float = Field(default=0.0, ge=0)
    blanked: float = Field(default=0.2, gt=0, lt=1)
    trees: int = Field(default=600, ge=1)
    leaves: int = Field(default=15, ge=2)
    tree_rate: float = Field(default=0.03, gt=0)
    training: TrainingConfig = TrainingConfig(
        epochs=20, patience=2, batch_tokens=512, learning_rate=1e-3, average=0.99
    )
    language: LanguageConfig = LanguageConfig()
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class Shape:
    """How large the inputs are.

    Attributes:
        people: Codes of users, with that of nobody.
        choices: Codes of every field of few values.
        numbers: Columns of numbers.
        guesses: Those of them that are guesses of the label themselves.
        content: float32[items + 1, d], text vectors of the items; d may be 0.
        history: Longest past.
        texts: Of the items by code, for bodies that read them.
        goals: What is foreseen.
    """

    people: int
    choices: tuple[int, ...]
    numbers: int
    guesses: tuple[int, ...]
    content: Floats
    history: int
    texts: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = (Goal(),)


@dataclass(frozen=True)
class Examples:
    """Inputs with what came of them.

    Attributes:
        inputs: The pairs.
        labels: float32[n], 0 or 1, or ratings between them; of several goals float32[n, goals].
            NaN where there is none; with `consistency` alone a pair may have none at all.
        weights: float32[n], how much each counts.
    """

    inputs: Inputs
    labels: Floats
    weights: Floats

    def __len__(self) -> int:
        return len(self.labels)


def stacked(*parts: Examples) -> Examples:
    """The examples of all parts, one after the other."""
    return Examples(
        joined([part.inputs for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


class Body(Protocol):
    """Learns log-odds from examples."""

    history: TrainingHistory | None

    def fit(self, train: Examples, validation: Examples | None, rounds: int | None) -> int:
        """Learns, forgetting whatever was learnt before.

        Args:
            train: What to learn from.
            validation: Without it nothing is stopped early.
            rounds: Epochs or trees; None finds their number by validation.

        Returns:
            The rounds that were kept.
        """
        ...

    def log_odds(self, inputs: Inputs) -> Floats:
        """float32[n], of several goals float32[n, goals]."""
        ...

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What was learnt, by name."""
        ...

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes back what `tensors` gave."""
        ...
