"""LightGCN: vectors that spread over the graph of who acted on what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._implicit import ImplicitConfig, interactions
from foretaste.models._sparse import SparseMatrix, history_matrix
from foretaste.models._torch import fit_network
from foretaste.models.base import Tensor
from foretaste.models.recency import ByRecency, RecencyConfig
from foretaste.models.vectors import ByVectors
from foretaste.training import TrainingConfig, seeded

_SENT = "graph.sent"
_VECTORS = "graph.items"
_DEGREES = "graph.degrees"


class LightGCNConfig(RecencyConfig, ImplicitConfig):
    """Settings of `LightGCN`.

    Attributes:
        dimension: Length of the vectors.
        layers: How far vectors spread.
        regularisation: Weight of the squared lengths of the vectors of a batch.
        seed: Of the vectors' first values, order and negatives.
        training: The loop's settings; a batch holds `batch_tokens` actions.
    """

    dimension: int = Field(default=64, ge=1)
    layers: int = Field(default=2, ge=1)
    regularisation: float = Field(default=1e-4, ge=0)
    seed: int = Field(default=0, ge=0)
    training: TrainingConfig = TrainingConfig(
        epochs=100,
        patience=10,  # it learns slowly, and unsteadily
        batch_tokens=4096,
        learning_rate=2e-2,
        weight_decay=0,
        average=0.99,
    )


class LightGCN(ByVectors, ByRecency):
    """Scores an item by the product of its vector and the person's (LightGCN, He et al., 2020).

    A layer makes of every person the sum of the vectors of their items, of every item that of its
    people, each divided by the root of both ends' numbers of neighbours; a vector is the mean over
    the layers. The first layer is learnt so that what people acted on comes before what they did
    not (BPR, Rendle et al., 2009).

    When it answers, a person is what the layers send them from the items of their history. Unlike
    in the paper the vector learnt for one person alone has no part in that, so that people known,
    new, and those who acted since are answered alike. It costs one product with a table.

    Of `event_weights` all act: an edge has the weight of its action.
    """

    name = "lightgcn"
    config_class = LightGCNConfig
    needs_behaviour = True
    usual_half_life = 5.0

    config: LightGCNConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _sent: NDArray[np.float32]
    _vectors: NDArray[np.float32]
    _degrees: NDArray[np.float32]

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        config = self.config
        people = interactions(train, config)
        self._degrees = np.asarray(people.sum(axis=0), np.float32).ravel()
        with seeded(config.seed):
            network = LightGCNNetwork(people, config.dimension, config.layers)
        fit_network(
            self,
            network,
            batches=_Batches(people, config.training.batch_tokens, config.seed),
            loss=lambda batch: network.loss(batch, config.regularisation),
            use=lambda: self._use(network),
            train=train,
            validation=validation,
        )

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """Vectors of people, float32[rows, dimension]: what the layers send them."""
        weights = self.recency_weights(histories)
        rows = history_matrix(histories, weights, self.item_vocabulary.size)
        scale = 1 / np.sqrt(np.maximum(self._degrees, 1e-12)) * (self._degrees > 0)
        degrees = np.sqrt(np.asarray(rows.sum(axis=1), np.float32))
        people = (rows @ (self._sent * scale[:, None])) / degrees
        return np.asarray(people, np.float32)

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """Vectors by item code, float32[items + 1, dimension]."""
        return self._vectors

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items have no edges and zero vectors."""
        room = ((0, len(codes)), (0, 0))
        self._sent, self._vectors = np.pad(self._sent, room), np.pad(self._vectors, room)
        self._degrees = np.pad(self._degrees, room[0])

    def _tensors(self) -> dict[str, Tensor]:
        own = {_SENT: self._sent, _VECTORS: self._vectors, _DEGREES: self._degrees}
        return super()._tensors() | own

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._sent, self._vectors, self._degrees = (
            tensors[name] for name in (_SENT, _VECTORS, _DEGREES)
        )
        shape = (self.item_vocabulary.size, self.config.dimension)
        if not self._sent.shape == self._vectors.shape == shape or len(self._degrees) != shape[0]:
            raise ValueError(f"the vectors of items do not have the shape {shape}")

    def _use(self, network: LightGCNNetwork) -> None:
        with torch.no_grad():
            sent, vectors = network.of_items()
        self._sent, self._vectors = sent.numpy(), vectors.numpy()


@dataclass(frozen=True)
class LightGCNBatch:
    """Actions, and an item for each that it must come before.

    Attributes:
        people: int64[n], rows.
        wanted: int64[n], item codes.
        others: int64[n], item codes drawn at random.
    """

    people: torch.Tensor
    wanted: torch.Tensor
    others: torch.Tensor


class LightGCNNetwork(nn.Module):
    """The vectors of people and items, and how they spread.

    Args:
        people: float32[people, items + 1], weights of the edges.
        dimension: Length of the vectors.
        layers: How far they spread.
    """

    def __init__(self, people: SparseMatrix, dimension: int, layers: int) -> None:
        super().__init__()
        self.people = nn.Parameter(_start(people.shape[0], dimension))
        self.items = nn.Parameter(_start(people.shape[1], dimension))
        self.layers = layers
        edges = _normalised(people)
        self._to_people = _as_torch(edges)
        self._to_items = _as_torch(edges.T.tocsr())

    def forward(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors of all people and of all items, the means over the layers."""
        people, items = self._spread()
        return torch.stack(people).mean(0), torch.stack(items).mean(0)

    @torch.no_grad()
    def of_items(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What the layers send from items to people, and the vectors of items.

        A person's vector, but for what was learnt for them alone, is the weighted sum of the
        former over their items.
        """
        _, items = self._spread()
        return torch.stack(items[:-1]).sum(0) / len(items), torch.stack(items).mean(0)

    def loss(self, batch: LightGCNBatch, regularisation: float) -> torch.Tensor:
        """BPR: the mean of -log sigmoid(wanted - other), and the penalty on first vectors."""
        people, items = self()
        person = people[batch.people]
        ahead = (person * (items[batch.wanted] - items[batch.others])).sum(1)
        first = (
            self.people[batch.people],
            self.items[batch.wanted],
            self.items[batch.others],
        )
        penalty = torch.stack([part.square().sum() for part in first]).sum() / (2 * len(person))
        return regularisation * penalty - nn.functional.logsigmoid(ahead).mean()

    def _spread(self) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        people: list[torch.Tensor] = [self.people]
        items: list[torch.Tensor] = [self.items]
        # Products with sparse matrices know no bf16.
        with torch.autocast(self.people.device.type, enabled=False):
            for _ in range(self.layers):
                to_people = torch.sparse.mm(self._to_people, items[-1])
                to_items = torch.sparse.mm(self._to_items, people[-1])
                people.append(to_people)
                items.append(to_items)
        return people, items


class _Batches:
    """All actions in an order of their own for each epoch, with new negatives."""

    def __init__(self, people: SparseMatrix, size: int, seed: int) -> None:
        edges = people.tocoo()
        self._people, self._items = edges.row.astype(np.int64), edges.col.astype(np.int64)
        self._pool = np.unique(self._items)
        self._acted = people
        self._size = size
        self._seed = seed

    def __call__(self, epoch: int) -> Iterator[LightGCNBatch]:
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(len(self._people))
        for start in range(0, len(order), self._size):
            chosen = order[start : start + self._size]
            people = self._people[chosen]
            yield LightGCNBatch(
                people=torch.from_numpy(people),
                wanted=torch.from_numpy(self._items[chosen]),
                others=torch.from_numpy(self._others(people, rng)),
            )

    def _others(self, people: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """An item each that the person did not act on; drawn again once where they did."""
        drawn = rng.choice(self._pool, len(people))
        acted = np.asarray(self._acted[people, drawn]).ravel() > 0
        drawn[acted] = rng.choice(self._pool, int(acted.sum()))
        return drawn


def _start(rows: int, dimension: int) -> torch.Tensor:
    return nn.init.xavier_uniform_(torch.empty(rows, dimension))


def _normalised(people: SparseMatrix) -> SparseMatrix:
    """Every weight over the root of the sums of its row and its column."""
    edges = people.tocoo()
    of_people = np.asarray(people.sum(axis=1)).ravel()[edges.row]
    of_items = np.asarray(people.sum(axis=0)).ravel()[edges.col]
    edges.data = (edges.data / np.sqrt(of_people * of_items)).astype(np.float32)
    return edges.tocsr()


def _as_torch(matrix: SparseMatrix) -> torch.Tensor:
    edges = matrix.tocoo()
    places = torch.from_numpy(np.stack([edges.row, edges.col]).astype(np.int64))
    values = torch.from_numpy(edges.data)
    return torch.sparse_coo_tensor(places, values, edges.shape, check_invariants=True).coalesce()
