"""Explicit ratings: SVD++, which foresees what a person would rate an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.data import Dataset, Ragged, Targets
from foretaste.data.schema import EVENT_VALUE, ITEM_ID, USER_ID
from foretaste.errors import DataError, InputError
from foretaste.models._rating_network import RatingBatch, RatingBatches, RatingNetwork
from foretaste.models._torch import fit_network, load_weights, tensors_of
from foretaste.models.base import Recommender, Tensor
from foretaste.models.vectors import ByVectors
from foretaste.training import TrainingConfig, seeded

_RANGE = "ratings.range"


class SVDPlusPlusConfig(Config):
    """Settings of `SVDPlusPlus`.

    Attributes:
        factors: Dimensions of the vectors.
        regularisation: Weight of the squared lengths of vectors and biases.
        seed: Of initial weights and order.
        training: The loop's settings; a batch holds the ratings of some people.
    """

    factors: int = Field(default=20, ge=1)
    regularisation: float = Field(default=0.1, ge=0)
    seed: int = Field(default=0, ge=0)
    training: TrainingConfig = TrainingConfig(
        epochs=30,
        batch_tokens=2048,
        learning_rate=5e-3,
        weight_decay=0,
        average=0.99,
    )


@dataclass(frozen=True)
class RatingErrors:
    """How far ratings were foreseen wrongly.

    Attributes:
        rmse: Root of the mean squared error.
        mae: Mean absolute error.
        ratings: Number of ratings.
    """

    rmse: float
    mae: float
    ratings: int


class SVDPlusPlus(ByVectors, Recommender):
    """Foresees ratings, as ``mean + b_u + b_i + q_i (p_u + |N|^-1/2 sum of y_j over N)``.

    SVD++ (Koren, 2008): biases of people and items, a vector of the person, and one that follows
    from which items they rated, N, whatever they rated them. Ratings are the events'
    `event_value`; events without one only say that the item was rated.

    `predict` foresees ratings of users. `recommend` and `score` rank by what can be said of a
    history: ``mean + b_i + q_i |N|^-1/2 sum of y_j``, without the bias and the vector of a
    particular person, so that people unknown and known are ranked alike. What people would rate
    high is not what they go on to do: for the latter the models of implicit feedback are better.
    """

    name = "svdpp"
    config_class = SVDPlusPlusConfig
    needs_behaviour = True

    config: SVDPlusPlusConfig
    _network: RatingNetwork
    _range: NDArray[np.float32]
    _items: NDArray[np.float32]

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        """Learns from all ratings; validation targets have none, so there is no early stopping."""
        config = self.config
        ratings = _ratings(train)
        self._range = np.array([np.nanmin(ratings), np.nanmax(ratings)], np.float32)
        batches = RatingBatches(
            train.histories(), ratings, config.training.batch_tokens, config.seed
        )
        with seeded(config.seed):
            network = RatingNetwork(
                train.user_vocabulary.size, train.item_vocabulary.size, config.factors
            )
        network.mean.fill_(float(np.nanmean(ratings)))
        self._network = network
        fit_network(
            self,
            network,
            batches=batches,
            loss=lambda batch: network.loss(*batch, config.regularisation),
            use=self._look_up_items,
            train=train,
            validation=None,
        )

    def remember(self, dataset: Dataset) -> Self:
        """As `Recommender.remember`; of users that are not in `dataset` everything is forgotten."""
        known = self.user_vocabulary
        super().remember(dataset)
        if self.user_vocabulary != known:
            self._network.rearrange_users(known.encode(self.user_vocabulary.ids))
        return self

    def predict(
        self, users: Sequence[str | int] | pl.Series, items: Sequence[str | int] | pl.Series
    ) -> NDArray[np.float32]:
        """The rating of each item by the user beside it, float32[n], within the range seen.

        Of users and items that are unknown only the mean and the other's bias are said.

        Raises:
            InputError: There are not as many users as items.
        """
        if len(users) != len(items):
            raise InputError(f"{len(users)} users do not fit {len(items)} items.", field="users")
        people, rows = np.unique(self.user_vocabulary.encode(users), return_inverse=True)
        batch = RatingBatch(
            people=people,
            rated=self.known.histories_of(people),
            rows=torch.from_numpy(rows),
            items=torch.from_numpy(self.item_vocabulary.encode(items)).long(),
        )
        with torch.inference_mode():
            return self._network(batch).numpy().clip(*self._range)

    def errors(self, ratings: Dataset) -> RatingErrors:
        """How far the rated events of a data set are foreseen wrongly.

        Raises:
            DataError: It has no ratings.
        """
        actual = _ratings(ratings)
        rated = ~np.isnan(actual)
        events = ratings.events.filter(pl.Series(rated))
        wrong = self.predict(events[USER_ID], events[ITEM_ID]) - actual[rated]
        return RatingErrors(
            rmse=float(np.sqrt(np.mean(wrong**2))),
            mae=float(np.abs(wrong).mean()),
            ratings=len(wrong),
        )

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """What follows from which items were rated, and 1: float32[rows, factors + 1]."""
        with torch.inference_mode():
            return self._network.of_histories(histories).numpy()

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """Vectors by item code, float32[items + 1, factors + 1]; the bias comes last."""
        return self._items

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items are rated like the mean."""
        self._network.extend(len(codes))
        self._look_up_items()

    def _tensors(self) -> dict[str, Tensor]:
        return tensors_of(self._network) | {_RANGE: self._range}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._network = RatingNetwork(
            self.user_vocabulary.size, self.item_vocabulary.size, self.config.factors
        )
        load_weights(self._network, tensors)
        self._range = tensors[_RANGE]
        self._look_up_items()

    def _look_up_items(self) -> None:
        """Keeps what the network says of items, which every history needs."""
        with torch.inference_mode():
            self._items = self._network.of_items().numpy()


def _ratings(dataset: Dataset) -> NDArray[np.float32]:
    """float32[events], NaN where an event has none."""
    if EVENT_VALUE in dataset.events.columns:
        values = dataset.events[EVENT_VALUE].cast(pl.Float32)
        if values.null_count() < len(values):
            return values.fill_null(np.nan).to_numpy()
    raise DataError(
        "the events have no ratings.",
        field=EVENT_VALUE,
        hint="Give a column of numbers, or use a model of implicit feedback, such as als.",
    )
