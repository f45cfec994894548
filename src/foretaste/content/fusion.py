"""Several encoders as one: words, pictures and sound in one vector, whichever of them are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from foretaste.config import Config
from foretaste.content._fitted import Array, FittedEncoder, filled
from foretaste.content._fusion_network import Attention, FusionNetwork, GatedSum
from foretaste.content.base import Encoder
from foretaste.content.steps import Steps
from foretaste.content.unit import unit
from foretaste.data import Dataset
from foretaste.errors import ConfigError, DataError
from foretaste.training import (
    TrainingConfig,
    UniformNegatives,
    sampled_softmax,
    seeded,
    train_network,
)

Method = Literal["concatenation", "gated", "attention"]
Vectors = NDArray[np.float32]

_NETWORK: Final = "network."


class FusionConfig(Config):
    """Settings of `FusedEncoder`.

    Attributes:
        method: "concatenation" of whitened vectors, which learns nothing from behaviour; "gated",
            a sum weighted item by item; "attention" of the modalities to each other.
        dimension: Of each modality after whitening, and of what comes out of the last two.
        dropped: How often an item is shown by one of its modalities alone in training (after
            ModDrop, Neverova et al., 2016), so that missing ones are an ordinary case.
        temperature: Of the softmax over cosines.
        negatives: Items against which each is told apart.
        seed: Of everything random.
        training: Of the last two methods; `batch_tokens` are pairs of items.
    """

    method: Method = "concatenation"
    dimension: int = Field(default=128, ge=2)
    dropped: float = Field(default=0.2, ge=0, lt=1)
    temperature: float = Field(default=0.07, gt=0)
    negatives: int = Field(default=512, ge=1)
    seed: int = 0
    training: TrainingConfig = TrainingConfig(
        epochs=5, batch_tokens=512, learning_rate=1e-3, warmup_steps=50, average=0.99
    )


class FusedEncoder(FittedEncoder):
    """Vectors of several encoders as one vector of unit length.

    Each modality is whitened first, so that none is louder than another for its scale. An item
    that lacks a modality is made of those it has, and one that has none has a zero vector. What
    "gated" and "attention" learn is that items which follow each other in histories are close,
    and other items are not.

    Args:
        encoders: By name, such as ``{"text": TextEncoder(), "image": ImageEncoder(...)}``.
        config: Settings, or give them by keyword.
        **settings: Fields of `FusionConfig`.

    Raises:
        ConfigError: There are no encoders, or a setting does not fit.

    Example:
        fused = FusedEncoder({"text": text, "image": image}, method="gated").fit(split.train)
        model = SequenceRecommender(content=fused)
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        config: FusionConfig | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        if not encoders:
            raise ConfigError("there are no encoders to put together.", field="encoders")
        self.config = config or FusionConfig.parse(settings)
        self._encoders = dict(encoders)
        self._whitening: dict[str, Steps] = {}
        self._network: FusionNetwork | None = None

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        if self.config.method != "concatenation":
            return self.config.dimension
        return sum(self._length(name) for name in self._encoders)

    def fit(self, train: Dataset) -> Self:
        """Learns the scale of each modality, and for "gated" and "attention" their parts.

        Args:
            train: Its items with events; what comes later must not be known yet.

        Raises:
            DataError: A modality has too few items, or nobody has two events.
        """
        for name, encoder in self._encoders.items():
            length = self._length(name)
            vectors = encoder.encode(train.items)[train.item_counts[1:] > 0]
            if filled(vectors).sum() <= length:
                raise DataError(
                    f"only {filled(vectors).sum()} items have a vector of the kind '{name}', too "
                    f"few to whiten {length} coordinates.",
                    field=f"encoders.{name}",
                    hint="Take a smaller dimension, or leave that encoder out.",
                )
            self._whitening[name] = self._steps(name).fit(vectors)
        tensors: dict[str, Array] = {}
        for name, steps in self._whitening.items():
            tensors |= steps.tensors(f"{name}.")
        if self.config.method != "concatenation":
            learnt = _learn(self._modalities(train.items), train, self.config)
            tensors |= {_NETWORK + name: t.numpy() for name, t in learnt.state_dict().items()}
        self._take(tensors)
        return self

    def encode(self, items: pl.DataFrame) -> Vectors:
        """Vectors of a table of items, float32[rows, dimension], unit length or zero.

        Raises:
            NotFittedError: `fit` or `load` was not called.
        """
        self._fitted()
        vectors = self._modalities(items)
        if self._network is None:
            lengths = map(self._length, self._encoders)
            parts = [vectors[:, place, :length] for place, length in enumerate(lengths)]
            return unit(np.concatenate(parts, axis=1))
        with torch.inference_mode():
            return self._network(torch.from_numpy(vectors)).numpy()

    def _modalities(self, items: pl.DataFrame) -> Vectors:
        """float32[rows, encoders, dimension]: whitened, unit length, zero where missing."""
        size = (len(items), len(self._encoders), self.config.dimension)
        vectors = np.zeros(size, np.float32)
        for place, (name, encoder) in enumerate(self._encoders.items()):
            white = self._whitening[name].apply(encoder.encode(items))
            vectors[:, place, : white.shape[1]] = white
        return vectors

    def _length(self, name: str) -> int:
        """Of the vectors of a modality after whitening."""
        return min(self.config.dimension, self._encoders[name].dimension)

    def _steps(self, name: str) -> Steps:
        return Steps([f"whiten:{self._length(name)}", "normalise"])

    def _settings(self) -> tuple[object, ...]:
        prints = [(name, encoder.fingerprint) for name, encoder in self._encoders.items()]
        return prints, self.config.model_dump_json()

    def _use(self, tensors: Mapping[str, Array]) -> None:
        for name in self._encoders:
            self._whitening[name] = self._steps(name).restore(tensors, f"{name}.")
        weights = {
            name.removeprefix(_NETWORK): torch.from_numpy(np.array(tensor))
            for name, tensor in tensors.items()
            if name.startswith(_NETWORK)
        }
        if weights:
            self._network = build_network(self.config, len(self._encoders))
            self._network.load_state_dict(weights)
            self._network.eval()


def build_network(config: FusionConfig, modalities: int) -> FusionNetwork:
    """The untrained network of a configuration."""
    kind = GatedSum if config.method == "gated" else Attention
    with seeded(config.seed):
        return kind(modalities, config.dimension, config.dropped)


def _learn(vectors: Vectors, train: Dataset, config: FusionConfig) -> FusionNetwork:
    """Trains a network on pairs of items that follow each other in histories."""
    left, right = following_pairs(train)
    table = torch.from_numpy(np.pad(vectors, ((1, 0), (0, 0), (0, 0))))
    pool = torch.from_numpy(np.flatnonzero(train.item_counts))
    negatives = UniformNegatives(pool, config.negatives)
    network = build_network(config, vectors.shape[1])

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        order = np.random.default_rng((config.seed, epoch)).permutation(len(left))
        for start in range(0, len(order), config.training.batch_tokens):
            rows = order[start : start + config.training.batch_tokens]
            yield torch.from_numpy(left[rows]), torch.from_numpy(right[rows])

    def loss(pair: tuple[Tensor, Tensor]) -> Tensor:
        sampled = negatives.draw()
        seen, targets = (network(table[codes]) for codes in pair)
        return sampled_softmax(
            seen / config.temperature,
            targets,
            network(table[sampled]),
            targets=pair[1],
            sampled=sampled,
            items=len(pool),
        )

    train_network(
        network,
        batches=batches,
        loss=loss,
        validate=None,
        config=config.training,
        seed=config.seed,
    )
    return network


def following_pairs(train: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes of items and of those that came next in a history, both int64[n].

    Raises:
        DataError: Nobody has two events.
    """
    histories = train.histories()
    rows = histories.row_of_value
    together = (rows[1:] == rows[:-1]) & (histories.values[1:] != histories.values[:-1])
    if not together.any():
        raise DataError("nobody has two events, so there is nothing to learn from.")
    codes = histories.values.astype(np.int64)
    return codes[:-1][together], codes[1:][together]
