"""Histories as sparse matrices, for the models that are linear algebra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from foretaste.data import Ragged

#: A `scipy.sparse.csr_matrix`; SciPy comes without types.
SparseMatrix = Any

_PARTS = ("values", "items", "offsets")


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


def matrix_tensors(prefix: str, matrix: SparseMatrix) -> dict[str, NDArray[Any]]:
    """A matrix in rows as named tensors, for a model's state."""
    parts = (matrix.data, matrix.indices, matrix.indptr)
    return {prefix + name: part for name, part in zip(_PARTS, parts, strict=True)}


def restored_matrix(
    prefix: str, tensors: Mapping[str, NDArray[Any]], shape: tuple[int, int]
) -> SparseMatrix:
    """The matrix that gave `matrix_tensors`.

    Raises:
        KeyError: A part is missing.
        ValueError: The parts do not make a matrix of this shape.
    """
    matrix = csr_matrix(tuple(tensors[prefix + name] for name in _PARTS), shape=shape)
    # Native code takes indices for addresses, so that a file must not make them up.
    matrix.check_format(full_check=True)
    return matrix
