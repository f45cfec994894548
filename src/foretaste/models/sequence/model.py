"""The sequence recommender: reads recent actions in their order, and knows items' words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from foretaste.content import Encoder
from foretaste.content.projection import Projection
from foretaste.data import Dataset, Ragged, Targets
from foretaste.errors import DataError
from foretaste.models._implicit import exposure_of, inverse_propensity
from foretaste.models._torch import (
    fit_network,
    learn_on_network,
    load_weights,
    tensors_of,
    with_replay,
)
from foretaste.models.base import Tensor
from foretaste.models.reading import ContentRecommender
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.network import SequenceBatches, SequenceNetwork
from foretaste.models.sequence.objectives import Given, Joint, MaskedItem, NextItem, Objective
from foretaste.models.sequence.start import carry_over, check_start
from foretaste.models.vectors import ByVectors
from foretaste.training import UniformNegatives, seeded

#: In a state: the vectors of items without training events, in the order of their codes.
BORROWED = "borrowed"
_BASE = "network.table.base"


class SequenceRecommender(ByVectors, ContentRecommender):
    """Foresees the next action from the recent ones (SASRec's task, Kang & McAuley 2018).

    An item's vector is its text vector, frozen, plus a bounded correction learnt from behaviour:
    an item nobody has touched is recommended from its words alone. Training draws shared
    negatives among the items with events, so cold items are never pushed away.

    Args:
        config: Settings, or give them by keyword.
        content: Encoder of the items' text; by default the one of `config.content`, and none at
            all where that is None.
        **settings: Fields of `SequenceConfig`.
    """

    name = "sequence"
    config_class = SequenceConfig
    learns_on = True
    config: SequenceConfig
    _network: SequenceNetwork

    def __init__(
        self,
        config: SequenceConfig | None = None,
        *,
        content: Encoder | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(config, content=content, **settings)
        self._projection: Projection | None = None
        self._start: SequenceRecommender | None = None

    @property
    def network(self) -> SequenceNetwork:
        """The network of a fitted model."""
        return self._network

    def fit(
        self,
        train: Dataset,
        validation: Targets | None = None,
        *,
        checkpoints: Path | None = None,
        start_from: SequenceRecommender | None = None,
    ) -> Self:
        """Learns from `train`, as `Recommender.fit`.

        Args:
            train: As there.
            validation: As there.
            checkpoints: As there.
            start_from: A fitted model of the same shape, whose backbone and item vectors (of the
                items that both know, by id) the training starts from; else from nothing.

        Raises:
            InputError: That model does not fit: its settings differ, or it shares no item.
        """
        self._start = start_from
        try:
            return super().fit(train, validation, checkpoints=checkpoints)
        finally:
            self._start = None

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        config, start = self.config, self._start
        batches = self._batches(self._training_rows(train))
        if not len(batches.sequences):
            raise DataError(
                "nobody has two events, so there is no next item to learn from.",
                hint="Give more events, or use a model that needs no order, such as itemknn.",
            )
        if start is not None:
            check_start(self, start)
        base = self._text_vectors(train.items)
        self.needs_behaviour = base is None
        with seeded(config.seed):
            network = self._new_network(base)
            joint = Joint(network, self._objectives(train))
        if start is not None:
            carry_over(network, self, start)
        fit_network(
            self,
            joint,
            batches=batches,
            loss=joint,
            use=lambda: self._use(network),
            train=train,
            validation=validation,
        )

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Of the objectives, the model's own is learnt on from; the others shaped what it knows."""
        network = copy.deepcopy(self._network)
        joint = Joint(network, [(1.0, self._own_task(self._given(self.known.as_dataset())))])
        rows = with_replay(news, self.histories, self.config.seed)
        learn_on_network(
            self,
            joint,
            batches=self._batches(self.histories.take(rows)),
            loss=joint,
            use=lambda: self._use(network),
        )

    def _batches(self, histories: Ragged) -> SequenceBatches:
        config = self.config
        return SequenceBatches(
            histories,
            config.length,
            config.training.batch_tokens,
            config.seed,
            cuts=config.cuts,
        )

    def _training_rows(self, train: Dataset) -> Ragged:
        """What the rows of batches are cut from: item codes of every person."""
        return train.histories()

    def _new_network(self, base: torch.Tensor | None) -> SequenceNetwork:
        return SequenceNetwork(self._shape, len(self.item_vocabulary), base)

    @property
    def _shape(self) -> SequenceConfig:
        """The settings, and what follows from the data where they leave it open."""
        return self.config.for_events(len(self.histories.values))

    def _objectives(self, train: Dataset) -> list[tuple[float, Objective]]:
        """What is learnt, each with its weight."""
        config, given = self.config, self._given(train)
        added: list[tuple[float, Objective]]
        added = [(one.weight, one.build(given)) for one in config.objectives]
        return [(config.own_weight, self._own_task(given)), *added] if config.own_weight else added

    def _given(self, train: Dataset) -> Given:
        config = self.config
        warm = torch.from_numpy(np.flatnonzero(self.item_counts))
        negatives = UniformNegatives(warm, config.negatives, self._prior(train))
        return Given(train, negatives, dimension=config.dimension)

    def _own_task(self, given: Given) -> Objective:
        if self.config.backbone == "bert4rec":
            return MaskedItem(given.negatives, self.config.hidden_share)
        return NextItem(given.negatives)

    def _prior(self, train: Dataset) -> torch.Tensor | None:
        """float32[items + 1], logs of how much items are met; None where that is not corrected."""
        if not self.config.debias:
            return None
        shown = exposure_of(train, self.config.exposure)
        inverse = inverse_propensity(self.item_counts, self.config.debias, shown)
        return -torch.from_numpy(inverse).log()

    def input_vectors(self, codes: NDArray[np.int32]) -> torch.Tensor:
        """The vectors as which items are read, float[n, dimension], for explanations."""
        return self._network.table(torch.from_numpy(codes).long()).detach()

    def score_vectors(self, vectors: torch.Tensor, item: int) -> torch.Tensor:
        """Scores of an item code after histories given as vectors, with gradients to those.

        Args:
            vectors: float[rows, actions, dimension].
            item: Its code.

        Returns:
            float[rows].
        """
        recent = vectors[:, -self.config.length :]
        lengths = torch.full((len(recent),), recent.shape[1])
        return self._network.foresee(recent, lengths) @ self._table[item].clone()

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """What the backbone says after each history, float32[rows, dimension]."""
        with torch.inference_mode():
            return self._network.last_state(histories).numpy()

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """Vectors by item code, float32[items + 1, dimension]."""
        return self._table.numpy()

    def _tensors(self) -> dict[str, Tensor]:
        # In a large catalogue, what untouched items borrow takes long to find.
        tensors = tensors_of(self._network) | {
            BORROWED: self.item_vectors[np.flatnonzero(self.item_counts == 0)]
        }
        if self._projection is not None:
            tensors["projection.mean"] = self._projection.mean
            tensors["projection.components"] = self._projection.components
        return tensors | self.content.tensors()

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        if "projection.mean" in tensors:
            self._projection = Projection(
                tensors["projection.mean"], tensors["projection.components"]
            )
        base = tensors.get(_BASE)
        self.needs_behaviour = base is None
        network = self._new_network(None if base is None else torch.from_numpy(base))
        load_weights(network, tensors)
        self.content.restore(tensors)
        borrowed = tensors.get(BORROWED)
        self._use(network, None if borrowed is None else torch.from_numpy(borrowed))

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items come with their words and no correction."""
        vectors = None
        if self._projection is not None:
            vectors = torch.from_numpy(self._projection.apply(self.content.encode(items)))
        self._network.table.extend(vectors, len(codes))
        with torch.inference_mode():
            added = self._network.table.borrowed(
                torch.from_numpy(codes.astype(np.int64)), torch.from_numpy(self.item_counts)
            )
            self._table = torch.cat([self._table, added])

    def _text_vectors(self, items: pl.DataFrame) -> torch.Tensor | None:
        """float32[items + 1, dimension]: words as unit vectors, fitted on items with events."""
        if self.content.encoder is None:
            self._projection = None
            return None
        vectors = self.content.fit(items)
        self._projection = (
            # What was learnt before is told in the coordinates of then.
            self._start._projection
            if self._start is not None and self._start._projection is not None
            else Projection.fit(
                vectors[self.item_counts[1:] > 0],
                self.config.dimension,
                whitening=self.config.whitening,
            )
        )
        projected = self._projection.apply(vectors)
        return torch.from_numpy(np.pad(projected, ((1, 0), (0, 0))))

    def _use(self, network: SequenceNetwork, borrowed: torch.Tensor | None = None) -> None:
        """Answers by this network; its table is put together once, as every history needs it."""
        self._network = network
        with torch.inference_mode():
            counts = torch.from_numpy(self.item_counts)
            self._table = network.table.completed(counts, borrowed)
