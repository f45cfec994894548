"""How quality grows with what is known of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Targets
from foretaste.errors import DataError
from foretaste.evaluation.bootstrap import Ratios, estimates
from foretaste.evaluation.protocol import reachable
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.top_k import top_k

#: Lengths of history at which quality is asked for.
LENGTHS = (0, 1, 2, 5, 10, 20)

#: Scores all items for some people, float32[people, items + 1], by what their histories show; of a
#: model, ``lambda people: model.score_all(people.histories)``.
Scores = Callable[[Targets], NDArray[np.float32]]

#: People whose scores are held at once.
_BLOCK = 256


def by_history_length(
    scores: Scores,
    targets: Targets,
    *,
    lengths: Sequence[int] = LENGTHS,
    k: int = 10,
    candidates: NDArray[np.int32] | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> pl.DataFrame:
    """NDCG@k when no more than the last n actions before the target are known.

    At every length the same people are asked, those with a history of the greatest, for the same
    targets, and the same items are open: all that the whole history does not hold, whatever is
    shown of it. So a curve says what knowing actions is worth. Were what is not shown left in the
    lists, who guesses better would lose by it: the best guesses are the items that the person has
    had, and those are no targets.

    Args:
        scores: Who ranks.
        targets: What is to be foreseen; what a history holds already is no target.
        lengths: Numbers of actions.
        k: Length of the lists.
        candidates: int32[m], rank these item codes only: how well, say, new ones are told apart.
        seed: Of the bootstrap.
        resamples: Of the bootstrap.

    Returns:
        One row a length: `history`, `users`, `ndcg`, `low` and `high` (its 95% interval).

    Raises:
        DataError: Nobody has so long a history.
    """
    asked = reachable(targets)
    asked = asked.take(np.flatnonzero(asked.histories.lengths >= max(lengths)))
    if not len(asked):
        raise DataError(
            f"nobody has a history of {max(lengths)} actions before the target.",
            field="lengths",
            hint="Ask for shorter ones.",
        )
    values = np.stack([_quality(scores, asked, n, k, candidates) for n in lengths], axis=1)
    names = [str(length) for length in lengths]
    means = Ratios.means(names, values)
    found = estimates([means], len(asked), resamples=resamples, seed=seed)
    return pl.DataFrame(
        [
            {
                "history": length,
                "users": len(asked),
                "ndcg": found[name].value,
                "low": found[name].low,
                "high": found[name].high,
            }
            for length, name in zip(lengths, names, strict=True)
        ]
    )


def _quality(
    scores: Scores, asked: Targets, length: int, k: int, candidates: NDArray[np.int32] | None
) -> NDArray[np.float64]:
    """float64[people], NDCG@k with so many actions shown."""
    parts: list[NDArray[np.float64]] = []
    for start in range(0, len(asked), _BLOCK):
        block = asked.take(np.arange(start, min(start + _BLOCK, len(asked))))
        shown = Targets(block.users, block.histories.last(length), block.items)
        found = scores(shown)
        found[block.histories.row_of_value, block.histories.values] = -np.inf
        if candidates is not None:
            found[:, np.setdiff1d(np.arange(found.shape[1]), candidates)] = -np.inf
        found[:, PADDING] = -np.inf
        lists = top_k(found, k)[0]
        hits = hit_positions(lists, block.items.row_of_value, block.items.values)
        parts.append(ndcg(hits, block.items.lengths))
    return np.concatenate(parts)
