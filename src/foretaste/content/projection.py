"""Encoder vectors made shorter by principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Projection:
    """The leading principal components of a set of vectors, scaled to unit length.

    Attributes:
        mean: float32[d_in].
        components: float32[d_out, d_in]; rows beyond the rank of the fitted vectors are zero.
    """

    mean: Vectors
    components: Vectors

    @classmethod
    def fit(cls, vectors: Vectors, dimension: int) -> Projection:
        """Fits on float32[n, d_in]; zero vectors (items that say nothing) are left out."""
        spoken = vectors[vectors.any(axis=1)]
        components = np.zeros((dimension, vectors.shape[1]), np.float32)
        if len(spoken) < 2:
            return cls(np.zeros(vectors.shape[1], np.float32), components)
        rank = min(dimension, len(spoken), vectors.shape[1])
        pca = PCA(n_components=rank, svd_solver="covariance_eigh").fit(spoken)
        components[:rank] = pca.components_
        return cls(pca.mean_.astype(np.float32), components)

    def apply(self, vectors: Vectors) -> Vectors:
        """float32[n, d_in] to float32[n, d_out] of unit length; zero vectors stay zero."""
        projected = (vectors - self.mean) @ self.components.T
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        said = vectors.any(axis=1, keepdims=True) & (length > 0)
        return np.where(said, projected / np.maximum(length, 1e-12), 0).astype(np.float32)
