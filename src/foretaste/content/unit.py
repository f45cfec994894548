"""Vectors of length 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def unit(vectors: Vectors) -> Vectors:
    """Rows of float32[n, d] scaled to length 1; rows of zeros stay."""
    return vectors * unit_scale(vectors)


def unit_scale(vectors: Vectors) -> Vectors:
    """float32[n, 1]: what makes the length of each row 1; finite for rows of zeros too."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return 1 / np.maximum(lengths, np.finfo(np.float32).tiny)
