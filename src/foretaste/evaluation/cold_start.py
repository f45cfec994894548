"""How quality grows with what is known of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import Targets
from foretaste.errors import DataError
from foretaste.evaluation.bootstrap import Ratios, estimates
from foretaste.evaluation.protocol import reachable
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.base import Recommender

#: Lengths of history at which quality is asked for.
LENGTHS = (0, 1, 2, 5, 10, 20)

#: Ranks items for people: int32[people, k] for their targets, of which it sees the histories.
Ranks = Callable[[Targets, int], NDArray[np.int32]]


def by_history_length(
    ranks: Ranks,
    targets: Targets,
    *,
    lengths: Sequence[int] = LENGTHS,
    k: int = 10,
    seed: int = 0,
    resamples: int = 1000,
) -> pl.DataFrame:
    """NDCG@k when no more than the last n actions before the target are known.

    Everywhere the same people are asked, those with a history of the greatest length, so that
    the curve says what actions are worth and not who has many. Only what is shown of a history is
    left out of the lists: of somebody new, nobody would know the rest.

    Args:
        ranks: Who ranks, such as `ranks_of(model)`.
        targets: What is to be foreseen; what a history holds already is no target.
        lengths: Numbers of actions.
        k: Length of the lists.
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
    values: list[NDArray[np.float64]] = []
    for length in lengths:
        known = Targets(asked.users, asked.histories.last(length), asked.items)
        hits = hit_positions(ranks(known, k), asked.items.row_of_value, asked.items.values)
        values.append(ndcg(hits, asked.items.lengths))
    names = [str(length) for length in lengths]
    means = Ratios.means(names, np.stack(values, axis=1))
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


def ranks_of(model: Recommender, candidates: NDArray[np.int32] | None = None) -> Ranks:
    """What a model ranks, of all items or of some only: how well it tells, say, new ones apart.

    Args:
        model: Fitted.
        candidates: int32[m], item codes.
    """

    def rank(targets: Targets, k: int) -> NDArray[np.int32]:
        return model.rank(targets.histories, k, candidates=candidates).items

    return rank
