"""Several encoders as one: words, pictures and sound in one vector, whichever of them are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize

from foretaste.config import Config
from foretaste.content._fitted import Array, FittedEncoder, filled
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
        self._whitening = {name: Steps(["whiten", "normalise"]) for name in encoders}
        self._network: FusionNetwork | None = None

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        if self.config.method != "concatenation":
            return self.config.dimension
        return sum(min(self.config.dimension, e.dimension) for e in self._encoders.values())

    def fit(self, train: Dataset) -> Self:
        """Learns the scale of each modality from the catalogue, and their parts from behaviour.

        Args:
            train: Its items, and for "gated" and "attention" its events.

        Raises:
            DataError: A modality has too few items, or nobody has two events.
        """
        for name, encoder in self._encoders.items():
            length = min(self.config.dimension, encoder.dimension)
            vectors = encoder.encode(train.items)
            if filled(vectors).sum() <= length:
                raise DataError(
                    f"only {filled(vectors).sum()} items have a vector of the kind '{name}', too "
                    f"few to whiten {length} coordinates.",
                    field=f"encoders.{name}",
                    hint="Take a smaller dimension, or leave that encoder out.",
                )
            self._whitening[name] = Steps([f"whiten:{length}", "normalise"]).fit(vectors)
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
            lengths = [min(self.config.dimension, e.dimension) for e in self._encoders.values()]
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

    def _settings(self) -> tuple[object, ...]:
        prints = [(name, encoder.fingerprint) for name, encoder in self._encoders.items()]
        return prints, self.config.model_dump_json()

    def _use(self, tensors: Mapping[str, Array]) -> None:
        for name, encoder in self._encoders.items():
            length = min(self.config.dimension, encoder.dimension)
            steps = Steps([f"whiten:{length}", "normalise"])
            self._whitening[name] = steps.restore(tensors, f"{name}.")
        weights = {
            name.removeprefix(_NETWORK): torch.from_numpy(np.array(tensor))
            for name, tensor in tensors.items()
            if name.startswith(_NETWORK)
        }
        if weights:
            self._network = build_network(self.config, len(self._encoders))
            self._network.load_state_dict(weights)
            self._network.eval()


class FusionNetwork(nn.Module):
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

    def _together(self, mapped: Tensor, present: Tensor) -> Tensor:
        """What comes of float[n, modalities, d], of which only some are present."""
        raise NotImplementedError

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


def _weighted(scores: Tensor, mapped: Tensor, present: Tensor) -> Tensor:
    """Sums of modalities, float[n, d], weighted by the softmax of their scores, if present."""
    weights = torch.softmax(scores.masked_fill(~present, -1e9), 1)
    return (weights[:, :, None] * mapped).sum(1)
