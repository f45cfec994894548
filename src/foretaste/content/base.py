"""The contract of every content encoder: items in, vectors out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray


@runtime_checkable
class Encoder(Protocol):
    """Turns what is known of an item into a vector, without knowing who acted on it."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same item could get another vector.

        Vectors of two encoders may be compared only when their fingerprints are equal.
        """
        ...

    def encode(self, items: pl.DataFrame) -> NDArray[np.float32]:
        """Vectors of a table of items, float32[rows, dimension]; zero where nothing is known."""
        ...
