"""The network of SVD++, and the ratings it is trained on batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from foretaste.data import Ragged
from foretaste.models._torch import bag

#: Of the first values of vectors: small, so that biases are learnt first.
_SPREAD = 0.05


@dataclass(frozen=True)
class RatingBatch:
    """Ratings to foresee, of a few people.

    Attributes:
        people: int32[people], user codes.
        rated: The items each of them rated.
        rows: int64[n], whose rating it is, by row of `people`.
        items: int64[n], codes of the items rated.
    """

    people: NDArray[np.int32]
    rated: Ragged
    rows: torch.Tensor
    items: torch.Tensor


class RatingNetwork(nn.Module):
    """The biases and vectors of SVD++; row 0 of every table is nobody and nothing, and zero.

    Args:
        users: Codes of users, with that of nobody.
        items: Likewise.
        factors: Dimensions of the vectors.
    """

    mean: torch.Tensor

    def __init__(self, users: int, items: int, factors: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.user_biases = _table(users, 1, 0)
        self.item_biases = _table(items, 1, 0)
        self.user_vectors = _table(users, factors, _SPREAD)
        self.item_vectors = _table(items, factors, _SPREAD)
        self.implicit_vectors = _table(items, factors, _SPREAD)

    def forward(self, batch: RatingBatch) -> torch.Tensor:
        """Ratings, float[n]."""
        people = torch.from_numpy(batch.people).long()
        vectors = self.user_vectors[people] + self._implied(batch.rated)
        products = (vectors[batch.rows] * self.item_vectors[batch.items]).sum(1)
        biases = self.user_biases[people][batch.rows] + self.item_biases[batch.items]
        return self.mean + biases.squeeze(1) + products

    def of_histories(self, histories: Ragged) -> torch.Tensor:
        """Vectors of people of whom nothing else is known, and 1: float[rows, factors + 1].

        Their products with `of_items` are ratings.
        """
        return nn.functional.pad(self._implied(histories), (0, 1), value=1.0)

    def of_items(self) -> torch.Tensor:
        """Vectors of items, and their biases with the mean: float[items, factors + 1]."""
        return torch.cat([self.item_vectors, self.item_biases + self.mean], dim=1)

    def loss(
        self, batch: RatingBatch, ratings: torch.Tensor, regularisation: float
    ) -> torch.Tensor:
        """Mean over ratings of the squared error and the squares of what takes part in it."""
        people = torch.from_numpy(batch.people).long()
        of_person = (
            _squares(self.user_vectors[people])
            + _squares(self.user_biases[people])
            + bag(_squares(self.implicit_vectors), batch.rated)
        )
        of_item = _squares(self.item_vectors) + _squares(self.item_biases)
        penalty = of_person[batch.rows] + of_item[batch.items]
        wrong = self(batch) - ratings
        return (wrong.square() + regularisation * penalty.squeeze(1)).mean()

    def rearrange_users(self, rows: NDArray[np.int32]) -> None:
        """Makes user `u` what user ``rows[u - 1]`` was; 0 is somebody new."""
        kept = torch.from_numpy(np.concatenate([[0], rows]))
        self.user_biases = nn.Parameter(self.user_biases.detach()[kept])
        self.user_vectors = nn.Parameter(self.user_vectors.detach()[kept])

    def extend(self, items: int) -> None:
        """Adds items of which nothing is known."""
        for name in ("item_biases", "item_vectors", "implicit_vectors"):
            old = getattr(self, name).detach()
            setattr(self, name, nn.Parameter(nn.functional.pad(old, (0, 0, 0, items))))

    def _implied(self, rated: Ragged) -> torch.Tensor:
        """What follows from which items were rated, float[rows, factors]."""
        scale = 1 / np.sqrt(np.maximum(rated.lengths, 1))
        return bag(self.implicit_vectors, rated) * torch.from_numpy(scale).float()[:, None]


class RatingBatches:
    """The ratings of some people at a time, in an order of its own for each epoch."""

    def __init__(self, rated: Ragged, ratings: NDArray[np.float32], tokens: int, seed: int) -> None:
        self._rated = rated
        self._events = Ragged(np.arange(len(ratings), dtype=np.int32), rated.offsets)
        self._ratings = ratings
        self._tokens = tokens
        self._seed = seed

    def __call__(self, epoch: int) -> Iterator[tuple[RatingBatch, torch.Tensor]]:
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(np.flatnonzero(self._rated.lengths))
        ends = np.cumsum(self._rated.lengths[order])
        for chosen in np.split(order, np.flatnonzero(np.diff(ends // self._tokens)) + 1):
            events = self._events.take(chosen)
            ratings = self._ratings[events.values]
            there = ~np.isnan(ratings)
            if there.any():
                batch = RatingBatch(
                    people=(chosen + 1).astype(np.int32),
                    rated=self._rated.take(chosen),
                    rows=torch.from_numpy(events.row_of_value[there]),
                    items=torch.from_numpy(self._rated.values[events.values[there]]).long(),
                )
                yield batch, torch.from_numpy(ratings[there])


def _table(rows: int, dimension: int, spread: float) -> nn.Parameter:
    start = torch.randn(rows, dimension) * spread
    start[0] = 0
    return nn.Parameter(start)


def _squares(vectors: torch.Tensor) -> torch.Tensor:
    return vectors.square().sum(1, keepdim=True)
