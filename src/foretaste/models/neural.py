"""Neural collaborative filtering: a learnt function of a person and an item."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._implicit import ImplicitConfig, interactions
from foretaste.models._sparse import SparseMatrix
from foretaste.models._torch import (
    bag,
    fit_network,
    learn_on_network,
    load_weights,
    tensors_of,
    with_replay,
)
from foretaste.models.base import Tensor
from foretaste.models.recency import ByRecency, RecencyConfig
from foretaste.training import TrainingConfig, UniformNegatives, seeded

#: Activations of pairs of a person and an item held at once, when answering.
_BLOCK = 2**22

#: Of the vectors' first values.
_SPREAD = 0.1


class NeuralCFConfig(RecencyConfig, ImplicitConfig):
    """Settings of `NeuralCF`.

    Attributes:
        kind: "gmf" weighs the products of the vectors dimension by dimension, "mlp" reads both
            vectors with a network, "neumf" does both and adds them up.
        dimension: Length of the vectors.
        layers: Widths of the hidden layers, of "mlp" and "neumf".
        negatives: Items drawn in each step, which all positions of the batch must beat.
        seed: Of initial weights, order and negatives.
        training: The loop's settings; a batch holds the actions of some people.
    """

    kind: Literal["gmf", "mlp", "neumf"] = "neumf"
    dimension: int = Field(default=64, ge=1)
    layers: tuple[int, ...] = Field(default=(32, 16), min_length=1)
    negatives: int = Field(default=64, ge=1)
    seed: int = Field(default=0, ge=0)
    training: TrainingConfig = TrainingConfig(
        epochs=30,
        batch_tokens=2048,
        learning_rate=2e-3,
        average=0.99,
    )


class NeuralCF(ByRecency):
    """Scores an item by a network of its vector and the person's (NCF, He et al., 2017).

    It differs from the paper in two ways. A person has no vector of their own but is the mean of
    those of the items they acted on (as in FISM, Kabbur et al., 2013), in training without the
    item to be foreseen, so that people never met are answered like all others. And every action
    is told from items that the whole batch shares, by cross-entropy over them, where the paper
    draws some for each and asks yes or no of every one. Items in a person's history are no
    negatives of theirs. "neumf" is trained at once, without pretraining its halves.

    Of `event_weights` all act: an action counts in the loss by its weight.
    """

    name = "neuralcf"
    config_class = NeuralCFConfig
    needs_behaviour = True
    learns_on = True
    usual_half_life = 5.0

    config: NeuralCFConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _network: NeuralCFNetwork

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        config = self.config
        with seeded(config.seed):
            network = NeuralCFNetwork(config, train.item_vocabulary.size)
        people = interactions(train, config)
        fit_network(
            self,
            network,
            **self._lessons(network, people, people),
            train=train,
            validation=validation,
        )

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        people = interactions(self.known.as_dataset(), self.config)
        rows = with_replay(news, self.histories, self.config.seed)
        network = copy.deepcopy(self._network)
        learn_on_network(self, network, **self._lessons(network, people[rows], people))

    def _lessons(
        self, network: NeuralCFNetwork, people: SparseMatrix, everybody: SparseMatrix
    ) -> dict[str, Any]:
        """How a network learns from people, told from the items that anybody acted on."""
        config = self.config
        warm = torch.from_numpy(np.flatnonzero(everybody.getnnz(axis=0)))
        negatives = UniformNegatives(warm, config.negatives)

        def loss(batch: NeuralCFBatch) -> torch.Tensor:
            return network.loss(batch, negatives.draw())

        return {
            "batches": _Batches(people, config.training.batch_tokens, config.seed),
            "loss": loss,
            "use": lambda: self._use(network),
        }

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        network = self._network
        # In bf16 most scores would be ties.
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            items = torch.arange(self.item_vocabulary.size)
            people = network.people(histories, self.recency_weights(histories))
            step = max(1, _BLOCK // (len(items) * network.width))
            blocks = [network(block[:, None], items) for block in people.split(step)]
            return torch.cat(blocks).numpy()

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items have zero vectors."""
        self._network.extend(len(codes))

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | tensors_of(self._network)

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._network = NeuralCFNetwork(self.config, self.item_vocabulary.size)
        load_weights(self._network, tensors)

    def _use(self, network: NeuralCFNetwork) -> None:
        self._network = network


@dataclass(frozen=True)
class NeuralCFBatch:
    """What some people acted on.

    Attributes:
        histories: Their items, each once.
        weights: float32[total], of the actions.
        seen: bool[people, items + 1], the same as a table.
    """

    histories: Ragged
    weights: torch.Tensor
    seen: torch.Tensor

    @property
    def rows(self) -> torch.Tensor:
        """int64[total], whose every action is."""
        return torch.from_numpy(self.histories.row_of_value)

    @property
    def targets(self) -> torch.Tensor:
        """int64[total], the item of every action."""
        return torch.from_numpy(self.histories.values).long()


class _Product(nn.Module):
    """GMF: the products of two vectors, weighed dimension by dimension."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(dimension))

    def forward(self, people: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """float[..., d] and float[..., d], broadcast, to float[...]."""
        return torch.einsum("...d,...d->...", people * self.weights, items)


class _Reader(nn.Module):
    """MLP: hidden layers over two vectors side by side."""

    def __init__(self, dimension: int, layers: tuple[int, ...]) -> None:
        super().__init__()
        # A linear layer over two vectors is the sum of one over each, which are shared by pairs.
        self.of_people = nn.Linear(dimension, layers[0])
        self.of_items = nn.Linear(dimension, layers[0], bias=False)
        self.layers = nn.ModuleList(map(nn.Linear, layers, (*layers[1:], 1)))
        # Vectors start small. Beside biases of the usual size they would leave every unit on one
        # side of its kink, and a network that is linear tells people and items apart only by
        # themselves: popularity. Without biases, kinks are where the vectors are (He et al., 2015).
        for values in self.parameters():
            if values.ndim > 1:
                nn.init.kaiming_normal_(values, nonlinearity="relu")
            else:
                nn.init.zeros_(values)

    def forward(self, people: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """float[..., d] and float[..., d], broadcast, to float[...]."""
        hidden = self.of_people(people) + self.of_items(items)
        for layer in self.layers:
            hidden = layer(hidden.relu())
        return hidden.squeeze(-1)


class NeuralCFNetwork(nn.Module):
    """Vectors of items, and the functions of a person's and an item's.

    Args:
        config: Shape.
        items: Codes of items, with padding.
    """

    def __init__(self, config: NeuralCFConfig, items: int) -> None:
        super().__init__()
        functions: list[nn.Module] = []
        if config.kind != "mlp":
            functions.append(_Product(config.dimension))
        if config.kind != "gmf":
            functions.append(_Reader(config.dimension, config.layers))
        self.functions = nn.ModuleList(functions)
        #: Each function reads vectors of its own, side by side in one table.
        self.table = nn.Parameter(torch.randn(items, len(functions) * config.dimension) * _SPREAD)
        self.width = max(config.dimension, *config.layers)

    def forward(self, people: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Scores.

        Args:
            people: float[..., functions * d].
            items: int64[...], codes; broadcast against the people.

        Returns:
            float[...].
        """
        halves = zip(
            people.chunk(len(self.functions), dim=-1),
            self.table[items].chunk(len(self.functions), dim=-1),
            strict=True,
        )
        scores = [function(*pair) for function, pair in zip(self.functions, halves, strict=True)]
        return torch.stack(scores).sum(0)

    def people(self, histories: Ragged, weights: NDArray[np.float32]) -> torch.Tensor:
        """What each history says of its person, float[rows, functions * d].

        Args:
            histories: Item codes.
            weights: float32[total], what every action counts.
        """
        length = np.sqrt(np.add.reduceat(weights**2, histories.offsets[:-1]))
        return bag(self.table, histories, weights) / torch.from_numpy(length)[:, None]

    def loss(self, batch: NeuralCFBatch, negatives: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of every action against the negatives its person has not seen."""
        rows, targets = batch.rows, batch.targets
        others = torch.from_numpy(batch.histories.lengths - 1).sqrt()[rows, None]
        people = (bag(self.table, batch.histories)[rows] - self.table[targets]) / others
        wanted = self(people, targets)
        against = self(people[:, None], negatives)
        against = against.masked_fill(batch.seen[:, negatives][rows], -torch.inf)
        losses = torch.cat([wanted[:, None], against], dim=1).logsumexp(1) - wanted
        return (losses * batch.weights).sum() / batch.weights.sum()

    def extend(self, items: int) -> None:
        """Adds items with zero vectors."""
        self.table = nn.Parameter(nn.functional.pad(self.table.detach(), (0, 0, 0, items)))


class _Batches:
    """The actions of some people at a time, in an order of its own for each epoch.

    People who acted on one item only have no other to foresee it from, and are left out.
    """

    def __init__(self, people: SparseMatrix, tokens: int, seed: int) -> None:
        self._people = people[np.diff(people.indptr) >= 2]
        self._tokens = tokens
        self._seed = seed

    def __call__(self, epoch: int) -> Iterator[NeuralCFBatch]:
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(self._people.shape[0])
        ends = np.cumsum(np.diff(self._people.indptr)[order])
        for chosen in np.split(order, np.flatnonzero(np.diff(ends // self._tokens)) + 1):
            if len(chosen):
                rows = self._people[chosen]
                yield NeuralCFBatch(
                    histories=Ragged(rows.indices, rows.indptr.astype(np.int64)),
                    weights=torch.from_numpy(rows.data),
                    seen=torch.from_numpy(rows.toarray() > 0),
                )
