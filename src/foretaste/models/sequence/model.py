"""The sequence recommender: a causal transformer over recent actions that knows items' words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from foretaste.content import ContentReference, Encoder
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
from foretaste.models.base import Recommender, Tensor
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.network import SequenceBatches, SequenceNetwork
from foretaste.training import UniformNegatives, seeded

_BASE = "network.table.base"


class SequenceRecommender(Recommender):
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
        super().__init__(config, **settings)
        self.content = ContentReference(self.config.content, content)
        self.config = self.config.model_copy(update={"content": self.content.settings})
        self._projection: Projection | None = None

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        config = self.config
        batches = self._batches(train.histories())
        if not len(batches.sequences):
            raise DataError(
                "nobody has two events, so there is no next item to learn from.",
                hint="Give more events, or use a model that needs no order, such as itemknn.",
            )
        base = self._text_vectors(train.items)
        self.needs_behaviour = base is None
        with seeded(config.seed):
            network = SequenceNetwork(config, len(self.item_vocabulary), base)
        negatives, prior = self._negatives(), self._prior(train)
        fit_network(
            self,
            network,
            batches=batches,
            loss=lambda codes: network.next_item_loss(codes, negatives, prior),
            use=lambda: self._use(network),
            train=train,
            validation=validation,
        )

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        network = copy.deepcopy(self._network)
        negatives, prior = self._negatives(), self._prior(self.known.as_dataset())
        rows = with_replay(news, self.histories, self.config.seed)
        learn_on_network(
            self,
            network,
            batches=self._batches(self.histories.take(rows)),
            loss=lambda codes: network.next_item_loss(codes, negatives, prior),
            use=lambda: self._use(network),
        )

    def _batches(self, histories: Ragged) -> SequenceBatches:
        config = self.config
        return SequenceBatches(histories, config.length, config.training.batch_tokens, config.seed)

    def _negatives(self) -> UniformNegatives:
        """Draws among the items that anybody acted on."""
        warm = torch.from_numpy(np.flatnonzero(self.item_counts))
        return UniformNegatives(warm, self.config.negatives)

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
        states = self._network.backbone(vectors[:, -self.config.length :])
        return states[:, -1] @ self._table[item].clone()

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        with torch.inference_mode():
            states = self._network.last_state(histories)
            # In bf16 most scores would be ties.
            with torch.autocast(states.device.type, enabled=False):
                return (states @ self._table.T).numpy()

    def _tensors(self) -> dict[str, Tensor]:
        tensors = tensors_of(self._network)
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
        network = SequenceNetwork(
            self.config,
            len(self.item_vocabulary),
            None if base is None else torch.from_numpy(base),
        )
        load_weights(network, tensors)
        self.content.restore(tensors)
        self._use(network)

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items come with their words and no correction."""
        vectors = None
        if self._projection is not None:
            vectors = torch.from_numpy(self._projection.apply(self.content.encode(items)))
        self._network.table.extend(vectors, len(codes))
        self._use(self._network)

    def _text_vectors(self, items: pl.DataFrame) -> torch.Tensor | None:
        """float32[items + 1, dimension]: words as unit vectors, fitted on items with events."""
        if self.content.encoder is None:
            self._projection = None
            return None
        vectors = self.content.fit(items)
        self._projection = Projection.fit(vectors[self.item_counts[1:] > 0], self.config.dimension)
        projected = self._projection.apply(vectors)
        return torch.from_numpy(np.pad(projected, ((1, 0), (0, 0))))

    def _use(self, network: SequenceNetwork) -> None:
        """Answers by this network; its table is put together once, as every history needs it."""
        self._network = network
        with torch.inference_mode():
            touched = torch.from_numpy(np.flatnonzero(self.item_counts))
            self._table = network.table.completed(touched)
