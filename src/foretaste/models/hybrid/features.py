"""What is known of an item that was put forward for a history, beside who put it forward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foretaste.data import Dataset, Ragged
from foretaste.models._sparse import SparseMatrix, history_matrix
from foretaste.models.base import Recommender
from foretaste.models.hybrid.lists import Scored

#: Recent actions to which an item is compared.
_RECENT = 10

#: Share of the log that counts as lately.
_LATELY = 0.1

#: What stands for the age of the likest recent item where none is alike.
_NEVER = _RECENT

Features = NDArray[np.float32]


#: What is said of a pair by each member, in order.
_BY_MEMBER = ("score", "standard score", "rank")


def feature_names(members: Sequence[Recommender], helpers: Sequence[Recommender]) -> list[str]:
    """Names of the columns of `features`, in order."""
    by_member = [
        f"{place} {member.name}: {what}"
        for place, member in enumerate(members)
        for what in _BY_MEMBER
    ]
    return [
        *by_member,
        *(f"{helper.name} to the whole history" for helper in helpers),
        "similarity to the last item",
        "similarity to a recent item",
        "age of the likest recent item",
        "times in the history",
        "popularity",
        "trend",
        "history length",
    ]


def standard_scores(members: Sequence[Recommender]) -> slice:
    """The columns of `features` that are the members' standard scores."""
    step = len(_BY_MEMBER)
    return slice(_BY_MEMBER.index("standard score"), step * len(members), step)


def features(
    scored: Scored,
    helpers: Scored,
    similarity: SparseMatrix,
    popularity: Features,
    trend: Features,
    rows: NDArray[np.int64],
    items: NDArray[np.int64],
) -> Features:
    """Features of (history, item) pairs, float32[n, features], named by `feature_names`.

    Args:
        scored: By the members.
        helpers: The same histories, scored by what tells likeness to the whole history.
        similarity: float32[items + 1, items + 1], how far items go together.
        popularity: float32[items + 1].
        trend: float32[items + 1].
        rows: int64[n], the history of each pair.
        items: int64[n], the item code of each.
    """
    histories = scored.histories
    columns: list[NDArray[np.floating]] = []
    for scores, standard in zip(scored.scores, scored.standard(), strict=True):
        columns += [scores[rows, items], standard[rows, items], _ranks(scores, rows, items)]
    columns += [scores[rows, items] for scores in helpers.scores]
    columns += _likeness(similarity, histories, rows, items)
    ones = np.ones(len(histories.values), np.float32)
    times = history_matrix(histories, ones, similarity.shape[0]).toarray()
    columns += [times[rows, items], popularity[items], trend[items]]
    columns.append(np.log1p(histories.lengths)[rows])
    return np.stack(columns, axis=1).astype(np.float32)


def trends(train: Dataset) -> Features:
    """float32[items + 1]: whether an item had more events lately than before, as a log ratio.

    Zero for all where timestamps are good for order only.
    """
    if train.clock != "time":
        return np.zeros(train.item_vocabulary.size, np.float32)
    late = train.timestamps >= np.quantile(train.timestamps, 1 - _LATELY)
    lately = np.bincount(train.item_codes[late], minlength=train.item_vocabulary.size)
    return np.log((lately + 1) / (_LATELY * train.item_counts + 1)).astype(np.float32)


def _ranks(
    scores: Features, rows: NDArray[np.int64], items: NDArray[np.int64]
) -> NDArray[np.floating]:
    """The log of 1 + how many of the pairs of the same history have a higher score."""
    values = scores[rows, items]
    order = np.lexsort((-values, rows))
    starts = np.searchsorted(rows[order], rows[order])
    ranks = np.empty(len(rows))
    ranks[order] = np.arange(len(rows)) - starts
    return np.log1p(ranks)


def _likeness(
    similarity: SparseMatrix, histories: Ragged, rows: NDArray[np.int64], items: NDArray[np.int64]
) -> list[Features]:
    """Similarity to the last item, to the likest of the recent items, and the age of that one."""
    recent = histories.last(_RECENT)
    likest = np.zeros(len(rows), np.float32)
    age = np.full(len(rows), _NEVER, np.float32)
    last = likest
    for steps in range(int(recent.lengths.max(initial=0))):
        # Padding, whose row is empty, stands in where a history is not as long.
        there = recent.lengths > steps
        items_then = np.zeros(len(recent), np.int32)
        items_then[there] = recent.values[recent.offsets[1:][there] - 1 - steps]
        found = similarity[items_then].toarray()[rows, items]
        closer = found > likest
        age[closer] = steps
        likest = np.maximum(likest, found)
        if steps == 0:
            last = found
    return [last, likest, age]
