"""Item table and backbone put together, and the loss of a batch under them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.data import Ragged
from foretaste.data.batching import by_length, length_buckets, rounded_up
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
        recent = histories.last(len(self.backbone.turns))
        states = torch.empty(len(recent), self.table.correction.shape[1])
        widths = rounded_up(recent.lengths, len(self.backbone.turns))
        for rows in by_length(widths, _TOKENS):
            batch = recent.take(rows)
            found = self(torch.from_numpy(batch.padded(widths[rows].max())).long())
            ends = torch.from_numpy(batch.lengths) - 1
            states[rows] = found[torch.arange(len(batch)), ends].to(states.dtype)
        return states

    def next_item_loss(
        self, codes: Tensor, negatives: UniformNegatives, prior: Tensor | None = None
    ) -> Tensor:
        """Mean loss of foreseeing every item of `codes` but the first of each row.

        Args:
            codes: int64[rows, width], zeros at the end.
            negatives: Draws the items that every target must beat.
            prior: float[items + 1], added to the logits of items: what the log tells of them that
                is not to be learnt (the logit adjustment of Menon et al., 2021).
        """
        targets = codes[:, 1:]
        real = targets != 0
        targets = targets[real]
        sampled = negatives.draw()
        hidden, positives, against = (
            self(codes[:, :-1])[real],
            self.table(targets),
            self.table(sampled),
        )
        if prior is not None:
            # One more coordinate, in which every state is 1.
            hidden = functional.pad(hidden, (0, 1), value=1.0)
            positives = torch.cat([positives, prior[targets, None]], dim=1)
            against = torch.cat([against, prior[sampled, None]], dim=1)
        return sampled_softmax(
            hidden,
            positives,
            against,
            targets=targets,
            sampled=sampled,
            items=len(negatives.pool),
        )


class SequenceBatches:
    """Training sequences, served in batches of like length, anew for each epoch.

    A history longer than the model reads is cut into windows, elsewhere in each epoch, so that
    every action is learnt from and no window is seen twice.

    Args:
        histories: Item codes of every person.
        length: Longest input.
        tokens: Most positions in a batch.
        seed: Of the cuts and the order.
    """

    def __init__(self, histories: Ragged, length: int, tokens: int, seed: int) -> None:
        self.sequences = histories.take(np.flatnonzero(histories.lengths >= 2))
        self._length = length
        self._tokens = tokens
        self._seed = seed

    def __call__(self, epoch: int) -> Iterator[Tensor]:
        """The batches of an epoch, int64[rows, width] with zeros at the end."""
        rng = np.random.default_rng([self._seed, epoch])
        windows = self._windows(rng)
        inputs = rounded_up(windows.lengths - 1, self._length)
        for rows in length_buckets(inputs, self._tokens, rng):
            yield torch.from_numpy(windows.take(rows).padded(inputs[rows].max() + 1)).long()

    def _windows(self, rng: np.random.Generator) -> Ragged:
        """Runs of at most `length` targets, each with the action before it, that cover all."""
        targets = self.sequences.lengths - 1
        first = np.where(
            targets > self._length, rng.integers(1, self._length + 1, len(targets)), targets
        )
        counts = 1 - (first - targets) // self._length
        row = np.repeat(np.arange(len(targets)), counts)
        number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        stops = np.minimum(first[row] + number * self._length, targets[row])
        starts = np.where(number == 0, 0, first[row] + (number - 1) * self._length)
        return self.sequences.cut(self.sequences.offsets[row] + starts, stops - starts + 1)
