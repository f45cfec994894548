"""Item table and backbone put together, and the loss of a batch under them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.data import Ragged
from foretaste.data.batching import by_length, length_buckets, rounded_up
from foretaste.models.sequence.backbones import build_backbone
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
        self.backbone = build_backbone(config)
        self.length = config.length

    def forward(self, codes: Tensor) -> Tensor:
        """int64[rows, width], zeros at the end, to states float[rows, width, dimension]."""
        return self.backbone(self.table(codes))

    def foresee(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """The states that score what follows each row, float[rows, dimension].

        Args:
            vectors: float[rows, width, dimension], zeros at the end.
            lengths: int64[rows], items told in each row.
        """
        return self.backbone.last(vectors, lengths)

    def foresee_codes(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """`foresee` of item codes, int64[rows, width]."""
        return self.foresee(self.table(codes), lengths)

    def last_state(
        self,
        histories: Ragged,
        read: Callable[[Tensor], Tensor] | None = None,
        foresee: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> Tensor:
        """The state after the last item of every history.

        Args:
            histories: Item codes, at least one a row; or what `read` makes vectors of.
            read: Vectors of int64[rows, width]; by default those of the items.
            foresee: States after vectors; by default `foresee`.

        Returns:
            float[rows, dimension].
        """
        read, foresee = read or self.table, foresee or self.foresee
        recent = histories.last(self.length)
        states = torch.empty(len(recent), self.table.correction.shape[1])
        widths = rounded_up(recent.lengths, self.length)
        for rows in by_length(widths, _TOKENS):
            batch = recent.take(rows)
            vectors = read(torch.from_numpy(batch.padded(widths[rows].max())).long())
            found = foresee(vectors, torch.from_numpy(batch.lengths))
            states[rows] = found.to(states.dtype)
        return states

    def next_item_loss(self, codes: Tensor, negatives: UniformNegatives) -> Tensor:
        """Mean loss of foreseeing every item of `codes` but the first of each row.

        Args:
            codes: int64[rows, width], zeros at the end.
            negatives: Draws the items that every target must beat.
        """
        targets = codes[:, 1:]
        real = targets != 0
        sampled = negatives.draw()
        return self.item_loss(self(codes[:, :-1])[real], targets[real], sampled, negatives)

    def item_loss(
        self, states: Tensor, targets: Tensor, sampled: Tensor, negatives: UniformNegatives
    ) -> Tensor:
        """Mean loss of states that should say items.

        Args:
            states: float[n, dimension].
            targets: int64[n], codes.
            sampled: int64[m], codes that every target must beat, of `negatives.draw`.
            negatives: Where those were drawn from.
        """
        positives, against = self.table(targets), self.table(sampled)
        if negatives.prior is not None:
            # One more coordinate, in which every state is 1.
            states = functional.pad(states, (0, 1), value=1.0)
            positives = torch.cat([positives, negatives.prior[targets, None]], dim=1)
            against = torch.cat([against, negatives.prior[sampled, None]], dim=1)
        return sampled_softmax(
            states,
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
        cuts: Share of the sequences that are cut in two in each epoch, at a random place.
    """

    def __init__(
        self, histories: Ragged, length: int, tokens: int, seed: int, *, cuts: float = 0.0
    ) -> None:
        self.sequences = histories.take(np.flatnonzero(histories.lengths >= 2))
        self._length = length
        self._tokens = tokens
        self._seed = seed
        self._cuts = cuts

    def __call__(self, epoch: int) -> Iterator[Tensor]:
        """The batches of an epoch, int64[rows, width] with zeros at the end."""
        rng = np.random.default_rng([self._seed, epoch])
        windows = self._windows(self._pieces(rng), rng)
        inputs = rounded_up(windows.lengths - 1, self._length)
        for rows in length_buckets(inputs, self._tokens, rng):
            yield torch.from_numpy(windows.take(rows).padded(inputs[rows].max() + 1)).long()

    def _pieces(self, rng: np.random.Generator) -> Ragged:
        """The sequences, a share of them in two pieces, to both of which the cut action belongs."""
        whole = self.sequences
        if not self._cuts:
            return whole
        last = whole.lengths - 1
        cut = np.where(rng.random(len(whole)) < self._cuts, rng.integers(0, last), 0)
        row = np.repeat(np.arange(len(whole)), np.where(cut, 2, 1))
        is_second = np.append(False, row[1:] == row[:-1])
        starts = np.where(is_second, cut[row], 0)
        stops = np.where(is_second | (cut[row] == 0), last[row], cut[row])
        return whole.cut(whole.offsets[row] + starts, stops - starts + 1)

    def _windows(self, sequences: Ragged, rng: np.random.Generator) -> Ragged:
        """Runs of at most `length` targets, each with the action before it, that cover all."""
        targets = sequences.lengths - 1
        first = np.where(
            targets > self._length, rng.integers(1, self._length + 1, len(targets)), targets
        )
        counts = 1 - (first - targets) // self._length
        row = np.repeat(np.arange(len(targets)), counts)
        number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        stops = np.minimum(first[row] + number * self._length, targets[row])
        starts = np.where(number == 0, 0, first[row] + (number - 1) * self._length)
        return sequences.cut(sequences.offsets[row] + starts, stops - starts + 1)
