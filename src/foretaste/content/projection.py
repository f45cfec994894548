"""Encoder vectors made shorter by principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretaste.content._fitted import filled
from foretaste.content.steps import principal

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Projection:
    """The leading principal components of a set of vectors, whose products are of unit length.

    Attributes:
        mean: float32[d_in].
        components: float32[d_out, d_in]; rows beyond the rank of the fitted vectors are zero.
    """

    mean: Vectors
    components: Vectors

    @classmethod
    def fit(cls, vectors: Vectors, dimension: int, *, whitening: float = 0.0) -> Projection:
        """Fits on float32[n, d_in]; zero vectors (items that say nothing) are left out.

        Args:
            vectors: Of the encoder.
            dimension: Of what comes out.
            whitening: As of `principal`.
        """
        width = vectors.shape[1]
        spoken = vectors[filled(vectors)]
        components = np.zeros((dimension, width), np.float32)
        if len(spoken) < 2:
            return cls(np.zeros(width, np.float32), components)
        leading = principal(spoken, min(dimension, width), whitening=whitening)
        components[: min(dimension, width)] = leading.matrix.T
        return cls(leading.mean, components)

    def turned_towards(self, other: Projection, vectors: Vectors) -> Projection:
        """The same but for a rotation, which brings it as near to another as a rotation can.

        What is alike stays as alike as it was; coordinates come to mean what they mean there, but
        for the mean (orthogonal Procrustes; Schönemann, 1966).

        Args:
            other: Of as many coordinates.
            vectors: float32[n, d_in], of which both are to say the same.
        """
        said = vectors[filled(vectors)]
        theirs = other.apply(said)
        left, _, right = np.linalg.svd((theirs - theirs.mean(axis=0)).T @ self.apply(said))
        return Projection(self.mean, (left @ right @ self.components).astype(np.float32))

    def apply(self, vectors: Vectors) -> Vectors:
        """float32[n, d_in] to float32[n, d_out] of unit length; zero vectors stay zero."""
        projected = (vectors - self.mean) @ self.components.T
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        said = vectors.any(axis=1, keepdims=True) & (length > 0)
        return np.where(said, projected / np.maximum(length, 1e-12), 0).astype(np.float32)
