"""How quality grows with what is known of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged, Targets
from foretaste.errors import DataError
from foretaste.evaluation.bootstrap import Ratios, estimates
from foretaste.evaluation.protocol import reachable
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.top_k import top_k

#: Lengths of history at which quality is asked for.
LENGTHS = (0, 1, 2, 5, 10, 20)
#: After how many first actions of somebody.
FIRST_LENGTHS = (0, 1, 2, 5, 10)

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
    asked = asked.take(_so_long(asked.histories, max(lengths)))

    def quality(length: int) -> NDArray[np.float64]:
        shown = Targets(asked.users, asked.histories.last(length), asked.items)
        return _quality(scores, shown, asked.histories, k, candidates)

    return _curve(quality, lengths, len(asked), seed=seed, resamples=resamples)


def by_first_actions(
    scores: Scores,
    people: Targets,
    *,
    lengths: Sequence[int] = FIRST_LENGTHS,
    k: int = 10,
    seed: int = 0,
    resamples: int = 1000,
) -> pl.DataFrame:
    """NDCG@k of what people who were never met act on after their first n actions.

    The same people are asked at every length, those with an action after the greatest, each time
    for the next item that is new to them: so the question changes with the length, and a curve
    compares models, not lengths.

    Args:
        scores: Who ranks; it must not have learnt from these people (as after a random split).
        people: Their histories, from the first action on; what is held out is not asked for.
        lengths: Numbers of actions.
        k: Length of the lists.
        seed: Of the bootstrap.
        resamples: Of the bootstrap.

    Returns:
        As `by_history_length`.

    Raises:
        DataError: Nobody has so long a history.
    """
    firsts = _first_times(people.histories)
    asked = _so_long(firsts, max(lengths) + 1)
    users, firsts = people.users[asked], firsts.take(asked)
    starts = firsts.offsets[:-1]

    def quality(length: int) -> NDArray[np.float64]:
        shown = firsts.cut(starts, np.full(len(firsts), length))
        following = firsts.cut(starts + length, np.ones(len(firsts), np.int64))
        return _quality(scores, Targets(users, shown, following), shown, k, None)

    return _curve(quality, lengths, len(firsts), seed=seed, resamples=resamples)


def _so_long(histories: Ragged, length: int) -> NDArray[np.int64]:
    """Rows of the histories of at least so many actions."""
    rows = np.flatnonzero(histories.lengths >= length)
    if not len(rows):
        raise DataError(
            f"nobody has a history of {length} actions.",
            field="lengths",
            hint="Ask for shorter ones.",
        )
    return rows


def _first_times(histories: Ragged) -> Ragged:
    """The histories with every item where it first comes."""
    rows = histories.row_of_value
    pairs = rows * (int(histories.values.max(initial=0)) + 1) + histories.values
    first = np.sort(np.unique(pairs, return_index=True)[1])
    return Ragged.from_groups(histories.values[first], rows[first].astype(np.int32), len(histories))


def _curve(
    quality: Callable[[int], NDArray[np.float64]],
    lengths: Sequence[int],
    people: int,
    *,
    seed: int,
    resamples: int,
) -> pl.DataFrame:
    """Means of the quality of every person, float64[people], at every length."""
    values = np.stack([quality(length) for length in lengths], axis=1)
    names = [str(length) for length in lengths]
    found = estimates([Ratios.means(names, values)], people, resamples=resamples, seed=seed)
    return pl.DataFrame(
        [
            {
                "history": length,
                "users": people,
                "ndcg": found[name].value,
                "low": found[name].low,
                "high": found[name].high,
            }
            for length, name in zip(lengths, names, strict=True)
        ]
    )


def _quality(
    scores: Scores, asked: Targets, closed: Ragged, k: int, candidates: NDArray[np.int32] | None
) -> NDArray[np.float64]:
    """float64[people], NDCG@k among all items but those that are closed to each."""
    parts: list[NDArray[np.float64]] = []
    for start in range(0, len(asked), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(asked)))
        block, shut = asked.take(rows), closed.take(rows)
        found = scores(block)
        found[shut.row_of_value, shut.values] = -np.inf
        if candidates is not None:
            found[:, np.setdiff1d(np.arange(found.shape[1]), candidates)] = -np.inf
        found[:, PADDING] = -np.inf
        lists = top_k(found, k)[0]
        hits = hit_positions(lists, block.items.row_of_value, block.items.values)
        parts.append(ndcg(hits, block.items.lengths))
    return np.concatenate(parts)
