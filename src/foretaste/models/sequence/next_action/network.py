"""The sequence network that also reads and says what is done with items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from foretaste.models.sequence.network import SequenceNetwork
from foretaste.models.sequence.next_action.config import NextActionConfig
from foretaste.models.sequence.next_action.events import PAUSES, Meaning, Told
from foretaste.models.sequence.objectives import Objective
from foretaste.training import UniformNegatives

if TYPE_CHECKING:
    from foretaste.models.sequence.config import SequenceConfig


class ActionNetwork(SequenceNetwork):
    """Adds to every item what else its event tells, and asks which kind of event comes next.

    ``P(item, kind) = P(kind | state) P(item | state, kind)``: a state is scaled and shifted by
    the kind (FiLM, Perez et al., AAAI 2018) before it is compared with items.

    Args:
        config: Shape.
        items: Size of the catalogue.
        base: float32[items + 1, dimension], text vectors, or None.
        meaning: The words that have vectors.
    """

    def __init__(
        self, config: SequenceConfig, items: int, base: Tensor | None, meaning: Meaning
    ) -> None:
        super().__init__(config, items, base)
        sizes = [len(meaning.kinds), PAUSES, *map(len, meaning.contexts.values())]
        self.sides = nn.ModuleList(_from_zero(size + 1, config.dimension) for size in sizes)
        self.says_kind = nn.Linear(config.dimension, len(meaning.kinds))
        self.scale = nn.Parameter(torch.ones(len(meaning.kinds), config.dimension))
        self.shift = nn.Parameter(torch.zeros(len(meaning.kinds), config.dimension))

    def read(self, told: Told, numbers: Tensor, blind: Tensor | None = None) -> Tensor:
        """Vectors of events.

        Args:
            told: What the events tell.
            numbers: int64[rows, width], zeros at the end.
            blind: bool[rows, 1], rows of which only the items are read.

        Returns:
            float[rows, width, dimension].
        """
        vectors = self.table(told.items[numbers])
        for side, codes in zip(self.sides, told.sides, strict=True):
            read = codes[numbers]
            vectors = vectors + side(read if blind is None else read.masked_fill(blind, 0))
        return vectors

    def foresee(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """The states that score what follows, whatever its kind: the mean over kinds."""
        states = self.backbone.last(vectors, lengths)
        shares = torch.softmax(self.says_kind(states), dim=1)
        return states * (shares @ self.scale) + shares @ self.shift

    def of_kind(self, states: Tensor, kind: int) -> Tensor:
        """States of the backbone turned to the items of events of a kind (its place, from 0)."""
        return states * self.scale[kind] + self.shift[kind]


def _from_zero(size: int, dimension: int) -> nn.Embedding:
    """Vectors that say nothing yet; the first one never will."""
    vectors = nn.Embedding(size, dimension, padding_idx=0)
    nn.init.zeros_(vectors.weight)
    return vectors


class NextEvent(Objective):
    """Every event of a row must be foreseen from those before it: its kind, and its item.

    What the foreseen event itself tells, its pause and context among it, is never read.

    Args:
        told: What the events tell.
        weights: float[kinds], what the items of each kind count.
        negatives: Draws the items that every target must beat.
        config: Settings.
    """

    def __init__(
        self,
        told: Told,
        weights: Sequence[float],
        negatives: UniformNegatives,
        config: NextActionConfig,
    ) -> None:
        super().__init__()
        self._told = told
        self._weights = weights
        self._negatives = negatives
        self._config = config

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """Mean loss of event numbers, int64[rows, width], under an `ActionNetwork`."""
        if not isinstance(network, ActionNetwork):
            raise TypeError(f"{type(network).__name__} reads no events")
        blind = torch.rand(len(codes), 1) < self._config.blind_share
        targets = codes[:, 1:]
        real = targets != 0
        states = network.backbone(network.read(self._told, codes[:, :-1], blind))[real]
        kinds = self._told.kinds[targets[real]] - 1
        kind_loss = nn.functional.cross_entropy(network.says_kind(states), kinds)
        items = self._told.items[targets[real]]
        return self._item_loss(network, states, items, kinds) + (
            self._config.action_weight * kind_loss
        )

    def _item_loss(
        self, network: ActionNetwork, states: Tensor, items: Tensor, kinds: Tensor
    ) -> Tensor:
        """The mean over events, each by the weight of its kind."""
        sampled = self._negatives.draw()
        total, mass = states.new_zeros(()), 0.0
        for kind, weight in enumerate(self._weights):
            chosen = kinds == kind
            count = weight * int(chosen.sum())
            if count:
                turned = network.of_kind(states[chosen], kind)
                loss = network.item_loss(turned, items[chosen], sampled, self._negatives)
                total, mass = total + count * loss, mass + count
        return total / max(mass, 1.0)


class OnItems(Objective):
    """Lets an objective of items learn from numbered events.

    Args:
        told: What the events tell.
        objective: Reads item codes.
    """

    def __init__(self, told: Told, objective: Objective) -> None:
        super().__init__()
        self.objective = objective
        self._told = told

    def forward(self, network: SequenceNetwork, codes: Tensor) -> Tensor:
        """The loss of the events' items."""
        return self.objective(network, self._told.items[codes])
