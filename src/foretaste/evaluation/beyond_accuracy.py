"""What a list is beyond right or wrong, one value a person.

Lists are int32[people, k], item codes best first, 0 where a list is shorter. All functions give
float64[people], NaN where the question makes no sense (an empty list has no novelty).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged
from foretaste.evaluation.bootstrap import block_sizes
from foretaste.metrics import Hits, PerRow, hit_positions

Lists = NDArray[np.int32]

#: Item vectors by code, row 0 for padding: a dense float array or a SciPy sparse one.
Vectors = Any


def completeness(lists: Lists) -> PerRow:
    """1 where all k places hold an item; its mean is the coverage of users."""
    return (lists != PADDING).all(axis=1).astype(np.float64)


def novelty(lists: Lists, counts: NDArray[np.int64]) -> PerRow:
    """Mean self-information of a list's items, in bits (Zhou et al., 2010).

    An item's is -log2 of its share of the training events, after one event is added to every
    item: one never acted on is novel to a finite degree.

    Args:
        lists: The lists.
        counts: int64[items + 1], training events by item code.
    """
    share = (counts + 1) / (counts[1:].sum() + len(counts) - 1)
    return _mean_over_items(lists, -np.log2(share))


def mean_popularity(lists: Lists, counts: NDArray[np.int64]) -> PerRow:
    """Mean number of training events of a list's items."""
    return _mean_over_items(lists, counts.astype(np.float64))


def mean_history_popularity(histories: Ragged, counts: NDArray[np.int64]) -> PerRow:
    """Mean number of training events of the items in each history."""
    sums = np.bincount(
        histories.row_of_value, weights=counts[histories.values], minlength=len(histories)
    )
    return _divide(sums, histories.lengths)


def diversity(lists: Lists, vectors: Vectors) -> PerRow:
    """Intra-list diversity: 1 - the mean cosine of all pairs of items (Ziegler et al., 2005).

    Items whose vector is zero are unknown, not different: pairs with them do not count.

    Args:
        lists: The lists.
        vectors: float[items + 1, d], such as content vectors or `category_vectors`.
    """
    unit, known = _unit_rows(vectors)
    found: list[PerRow] = [np.empty(0)]
    start = 0
    for size in block_sizes(len(lists), max(unit.shape[1], lists.shape[1])):
        block = lists[start : start + size]
        start += size
        rows, columns = np.nonzero(known[block])
        members = sp.csr_array(
            (np.ones(len(rows), unit.dtype), (rows, block[rows, columns])), (size, len(known))
        )
        number = np.bincount(rows, minlength=size)
        # The square of a sum of unit vectors is their number and twice the cosine of each pair.
        cosines = _row_squares(members @ unit) - number
        found.append(1 - _divide(cosines, number * (number - 1)))
    return np.concatenate(found)


def serendipity(hits: Hits, lists: Lists, expected: Lists) -> PerRow:
    """Share of the k places that hold a relevant item nobody needed a recommender for.

    Relevant and unexpected, as Ge et al. (2010) define it, where the lists of the popularity
    recommender are what is expected.

    Args:
        hits: bool[people, k], where the lists are right.
        lists: The lists.
        expected: Those of popularity for the same people, as long.
    """
    there = expected != PADDING
    unexpected = ~hit_positions(lists, np.nonzero(there)[0], expected[there])
    return (hits & unexpected).mean(axis=1)


def _mean_over_items(lists: Lists, values: NDArray[np.float64]) -> PerRow:
    there = lists != PADDING
    return _divide((values[lists] * there).sum(axis=1), there.sum(axis=1))


def _divide(sums: NDArray[Any], numbers: NDArray[np.integer]) -> PerRow:
    return np.divide(sums, numbers, out=np.full(len(sums), np.nan), where=numbers != 0)


def _unit_rows(vectors: Vectors) -> tuple[Vectors, NDArray[np.bool_]]:
    """The vectors at length 1, zero ones left as they are, and bool[items + 1] which are not."""
    norms = np.sqrt(_row_squares(vectors))
    known = norms > 0
    known[PADDING] = False
    scale = np.divide(1.0, norms, out=np.zeros(len(norms)), where=known)
    return sp.diags_array(scale.astype(vectors.dtype)) @ vectors, known


def _row_squares(matrix: Vectors) -> NDArray[np.float64]:
    if sp.issparse(matrix):
        return np.asarray(matrix.power(2).sum(axis=1), np.float64)
    return np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)
