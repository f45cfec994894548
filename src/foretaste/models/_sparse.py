"""Histories as sparse matrices, for the models that are linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from foretaste.data import Ragged

#: A `scipy.sparse.csr_matrix`; SciPy comes without types.
SparseMatrix = Any


def history_matrix(histories: Ragged, weights: NDArray[np.float32], items: int) -> SparseMatrix:
    """One row a history, one column an item code; an item acted on twice has the sum of weights.

    Args:
        histories: Item codes.
        weights: float32[total], the weight of every action.
        items: Number of columns: codes with padding.

    Returns:
        float32[histories, items].
    """
    matrix = csr_matrix(
        # A copy of the indices: summing duplicates works in place.
        (weights, histories.values.copy(), histories.offsets),
        shape=(len(histories), items),
    )
    matrix.sum_duplicates()
    return matrix
