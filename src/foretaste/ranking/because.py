"""Shelves named after an item of somebody's history: because you watched this, those."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged
from foretaste.data.schema import ITEM_ID, USER_ID
from foretaste.errors import InputError
from foretaste.ranking.similar import ANCHOR, SimilarItems


def because_you_watched(
    similar: SimilarItems,
    histories: Ragged,
    people: pl.Series | Sequence[str | int],
    *,
    shelves: int = 3,
    k: int = 10,
    allowed: NDArray[np.bool_] | None = None,
) -> pl.DataFrame:
    """A shelf of similar items for each of the latest items of every history.

    A shelf holds nothing the person has had, and no item stands on two shelves of one person. An
    item that may not be shown gives no name to a shelf either.

    Args:
        similar: Finds the items.
        histories: Item codes, oldest first.
        people: Ids, one a history.
        shelves: At most so many a person, the latest item first.
        k: At most so many items a shelf.
        allowed: bool[items + 1], what may be shown.

    Returns:
        Columns `user_id`, `shelf` (from 1), `anchor_id`, `item_id`, `rank` (in the shelf, from
        1), `score` and `source`.

    Raises:
        InputError: `shelves` or `k` is below 1.
    """
    if min(shelves, k) < 1:
        raise InputError("shelves and k must be at least 1.", field="k" if k < 1 else "shelves")
    size = similar.catalogue.size
    rows, anchors = _latest(histories, shelves, allowed, size)
    # So many that k are left when those had, and those on the shelves before, are taken out.
    wanted = k * shelves + int(histories.lengths.max(initial=0))
    distinct, which = np.unique(anchors, return_inverse=True)
    found = similar.nearest(distinct, wanted, allowed)
    shelf, place = np.nonzero(found.items[which] != PADDING)
    items = found.items[which[shelf], place]
    keys = rows[shelf] * size + items
    new = ~np.isin(keys, histories.row_of_value * size + histories.values)
    number = shelf - np.searchsorted(rows, rows[shelf])
    kept = _filled(keys, new, shelf, number, k)
    shelf, place, items = shelf[kept], place[kept], items[kept]
    ids = people if isinstance(people, pl.Series) else pl.Series(list(people))
    vocabulary = similar.catalogue.vocabulary
    return pl.DataFrame(
        {
            USER_ID: ids.gather(rows[shelf]),
            "shelf": (number[kept] + 1).astype(np.int32),
            ANCHOR: vocabulary.decode(anchors[shelf]),
            ITEM_ID: vocabulary.decode(items),
            "rank": (_place_in_run(shelf) + 1).astype(np.int32),
            "score": found.scores[which[shelf], place],
            "source": found.sources[which[shelf], place],
        }
    )


def _latest(
    histories: Ragged, n: int, allowed: NDArray[np.bool_] | None, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Row and code of the last n different items of every history, the latest first."""
    rows, items = histories.row_of_value[::-1], histories.values[::-1]
    _, first = np.unique(rows * size + items, return_index=True)
    first = np.sort(first)
    if allowed is not None:
        first = first[allowed[items[first]]]
    rows, items = rows[first], items[first]
    order = np.argsort(rows, kind="stable")
    rows, items = rows[order], items[order]
    kept = _place_in_run(rows) < n
    return rows[kept], items[kept]


def _filled(
    keys: NDArray[np.int64],
    usable: NDArray[np.bool_],
    shelf: NDArray[np.int64],
    number: NDArray[np.int64],
    k: int,
) -> NDArray[np.int64]:
    """Positions of what is put on the shelves: at most k each, no key twice.

    The first shelf of everybody is filled, then the second: whether an item is on an earlier
    shelf depends on what that shelf had room for.
    """
    kept = np.zeros(len(keys), bool)
    for place in range(int(number.max(initial=-1)) + 1):
        here = np.flatnonzero(usable & (number == place) & ~np.isin(keys, keys[kept]))
        kept[here[_place_in_run(shelf[here]) < k]] = True
    return np.flatnonzero(kept)


def _place_in_run(sorted_groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[n], how many of the same group come before each."""
    return np.arange(len(sorted_groups)) - np.searchsorted(sorted_groups, sorted_groups)
