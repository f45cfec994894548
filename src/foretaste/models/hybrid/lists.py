"""The items that several recommenders put forward for a history, and how they score them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged, Targets
from foretaste.models.base import Recommender

#: Scores of one recommender held at once.
_BLOCK = 2**23


@dataclass(frozen=True)
class Scored:
    """How recommenders score all items for some histories.

    Attributes:
        histories: Item codes, oldest first.
        scores: float32[recommenders, rows, items + 1], as they gave them.
        warm: int64[n], codes of the items with training events.
    """

    histories: Ragged
    scores: NDArray[np.float32]
    warm: NDArray[np.int64]

    @classmethod
    def by(cls, recommenders: Sequence[Recommender], histories: Ragged) -> Scored:
        """Asks the recommenders, at least one."""
        warm = np.flatnonzero(recommenders[0].item_counts)
        scores = [one.score_all(histories) for one in recommenders]
        return cls(histories, np.stack(scores), warm)

    def standard(self) -> NDArray[np.float32]:
        """Brought to mean 0 and deviation 1 in every row, so that they can be added.

        Over the items with training events: new items do not move the others.
        """
        real = self.scores[:, :, self.warm]
        spread = real.std(axis=2, keepdims=True)
        scaled = self.scores - real.mean(axis=2, keepdims=True)
        return scaled / np.where(spread > 0, spread, 1)

    def candidates(self, depth: int) -> NDArray[np.bool_]:
        """bool[rows, items + 1]: what is among the `depth` best of any recommender.

        Both with the items of the history and without, whichever will be asked for.
        """
        chosen = np.zeros(self.scores.shape[1:], bool)
        seen = self.histories.row_of_value, self.histories.values
        for scores in self.scores:
            without = scores.copy()
            without[seen] = -np.inf
            for ranked in (scores, without):
                best = np.argpartition(-ranked, min(depth, ranked.shape[1] - 1), axis=1)
                np.put_along_axis(chosen, best[:, :depth], True, axis=1)
        chosen[:, PADDING] = False
        return chosen


def scored_blocks(
    recommenders: Sequence[Recommender], targets: Targets, items: int
) -> Iterator[tuple[Scored, Targets]]:
    """Scores for the histories of targets, so many at a time that they can be held.

    Args:
        recommenders: All with the same items.
        targets: Their histories may be empty.
        items: Codes of items, with padding.
    """
    step = max(1, min(1024, _BLOCK // (items * len(recommenders))))
    for start in range(0, len(targets), step):
        block = targets.take(np.arange(start, min(start + step, len(targets))))
        yield Scored.by(recommenders, block.histories), block


def are_in(
    rows: Ragged, places: NDArray[np.int64], items: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """bool[n]: for which pairs the row at `places`, int64[n], holds the item beside it."""
    span = int(max(rows.values.max(initial=0), items.max(initial=0))) + 1
    return np.isin(places * span + items, rows.row_of_value * span + rows.values)


def to_learn_from(
    scored: Scored, targets: Targets, depth: int, *, again: bool
) -> NDArray[np.bool_]:
    """bool[rows, items + 1]: the candidates among which the targets' items are to be found.

    Args:
        scored: Of the histories of the targets.
        targets: What was wanted.
        depth: As of `Scored.candidates`.
        again: Whether people act on items again (`act_again`). Else the items of a history are
            none: they were never wanted, and members that are sure of them would be mistrusted
            for what is not recommended anyway.
    """
    chosen = scored.candidates(depth)
    if not again:
        chosen[targets.histories.row_of_value, targets.histories.values] = False
    return chosen


def act_again(targets: Targets) -> bool:
    """Whether anybody wanted an item of their history."""
    return bool(are_in(targets.histories, targets.items.row_of_value, targets.items.values).any())
