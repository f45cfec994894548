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

    A state is scaled and shifted by a kind (FiLM, Perez et al., AAAI 2018) before it is compared
    with items: which of them is the next to be acted on in this way.

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
    """From all before it every event must be foreseen: its kind, and what comes next of each kind.

    The item of a kind is that of the next event of the kind, however much else comes before it:
    what will be bought is asked after every look, and mostly bought some looks later. What the
    foreseen events themselves tell, their pauses and context among it, is never read.

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
        states = network.backbone(network.read(self._told, codes[:, :-1], blind))
        kinds = self._told.kinds[targets]
        kind_loss = nn.functional.cross_entropy(network.says_kind(states[real]), kinds[real] - 1)
        return self._item_loss(network, states, targets, kinds) + (
            self._config.action_weight * kind_loss
        )

    def _item_loss(
        self, network: ActionNetwork, states: Tensor, targets: Tensor, kinds: Tensor
    ) -> Tensor:
        """The mean over places and kinds, of the next item of the kind, by the kind's weight."""
        sampled = self._negatives.draw()
        total, mass = states.new_zeros(()), 0.0
        for kind, weight in enumerate(self._weights):
            place, there = next_place(kinds == kind + 1)
            count = weight * int(there.sum())
            if count:
                items = self._told.items[targets.gather(1, place)[there]]
                turned = network.of_kind(states[there], kind)
                loss = network.item_loss(turned, items, sampled, self._negatives)
                total, mass = total + count * loss, mass + count
        return total / max(mass, 1.0)


def next_place(wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Where in its row the first wanted place at or after every place is.

    Args:
        wanted: bool[rows, width].

    Returns:
        int64[rows, width], and bool[rows, width] that is false where none follows.
    """
    width = wanted.shape[1]
    places = torch.where(wanted, torch.arange(width), width)
    following = places.flip(1).cummin(dim=1).values.flip(1)
    return following.clamp(max=max(width - 1, 0)), following < width


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
