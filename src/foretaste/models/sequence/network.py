"""Item table and backbone put together, and the loss of a batch under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from foretaste.data import Ragged
from foretaste.data.batching import by_length, length_buckets
from foretaste.models.sequence.backbone import Backbone
from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.item_table import ItemTable
from foretaste.training import UniformNegatives, sampled_softmax

#: Most positions, padding included, of a batch that is read to be answered.
_TOKENS = 8192

#: A catalogue of so many times the negatives is large: a step then touches few of its rows.
_LARGE = 16


class SequenceNetwork(nn.Module):
    """From item codes to the state that scores the next item.

    Args:
        config: Shape.
        items: Size of the catalogue.
        base: float32[items + 1, dimension], text vectors, or None.
    """

    def __init__(self, config: SequenceConfig, items: int, base: Tensor | None) -> None:
        super().__init__()
        self.table = ItemTable(
            items,
            config.dimension,
            base,
            config.bound,
            sparse=items > _LARGE * config.negatives,
        )
        self.backbone = Backbone(
            dimension=config.dimension,
            layers=config.layers,
            heads=config.heads,
            length=config.length,
            dropout=config.dropout,
        )

    def forward(self, codes: Tensor) -> Tensor:
        """int64[rows, width], zeros at the end, to states float[rows, width, dimension]."""
        return self.backbone(self.table(codes))

    def last_state(self, histories: Ragged) -> Tensor:
        """float[rows, dimension], the state after the last item of every (non-empty) history."""
        recent = histories.last(len(self.backbone.positions))
        states = self.backbone.positions.new_empty(len(recent), self.backbone.positions.shape[1])
        for rows in by_length(recent.lengths, _TOKENS):
            batch = recent.take(rows)
            found = self(torch.from_numpy(batch.padded()).long())
            states[rows] = found[torch.arange(len(batch)), torch.from_numpy(batch.lengths) - 1]
        return states

    def next_item_loss(self, codes: Tensor, negatives: UniformNegatives) -> Tensor:
        """Mean loss of foreseeing every item of `codes` but the first of each row.

        Args:
            codes: int64[rows, width], zeros at the end.
            negatives: Draws the items that every target must beat.
        """
        targets = codes[:, 1:]
        real = targets != 0
        targets = targets[real]
        sampled = negatives.draw()
        return sampled_softmax(
            self(codes[:, :-1])[real],
            self.table(targets),
            self.table(sampled),
            targets=targets,
            sampled=sampled,
            items=len(negatives.pool),
        )


@dataclass
class SequenceBatches:
    """Training sequences, served in batches of like length, anew for each epoch.

    Attributes:
        sequences: Item codes of every person.
        length: Longest input; the last `length + 1` items of a person are used.
        tokens: Most positions in a batch.
        seed: Of the order.
    """

    sequences: Ragged
    length: int
    tokens: int
    seed: int

    def __post_init__(self) -> None:
        recent = self.sequences.last(self.length + 1)
        self.sequences = recent.take(np.flatnonzero(recent.lengths >= 2))

    def __call__(self, epoch: int) -> Iterator[Tensor]:
        """The batches of an epoch, int64[rows, width] with zeros at the end."""
        rng = np.random.default_rng([self.seed, epoch])
        for rows in length_buckets(self.sequences.lengths, self.tokens, rng):
            yield torch.from_numpy(self.sequences.take(rows).padded()).long()
