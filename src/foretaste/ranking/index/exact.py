"""Every vector compared with every query: right by construction, and quick while they are few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretaste.models.answering import Ranking
from foretaste.models.top_k import top_k
from foretaste.ranking.index.base import Codes, Mask, VectorIndex, Vectors
from foretaste.ranking.index.config import IndexConfig

#: Vectors turned into float32, and scores held, at a time stay under so many numbers.
_BLOCK = 2**22


class ExactIndex(VectorIndex):
    """Blocked matrix products over vectors kept as float32, float16 or int8.

    An int8 vector has a scale of its own: its largest number is 127.
    """

    kind = "exact"

    def __init__(self, config: IndexConfig, dimension: int, fingerprint: str) -> None:
        super().__init__(config, dimension, fingerprint)
        self._codes = np.empty(0, np.int32)
        self._vectors: NDArray[Any] = np.empty((0, dimension), config.precision)
        self._scales = np.empty(0, np.float32)

    def __str__(self) -> str:
        """How it searches, for traces."""
        return f"an exact index ({self.config.precision})"

    @property
    def memory_bytes(self) -> int:
        """Bytes of vectors, scales and codes."""
        arrays = (self._codes, self._vectors, self._scales, self._present)
        return sum(array.nbytes for array in arrays)

    def _add(self, codes: Codes, vectors: Vectors) -> None:
        scales = np.ones(len(vectors), np.float32)
        if self.config.precision == "int8":
            scales = np.maximum(np.abs(vectors).max(axis=1), np.finfo(np.float32).tiny) / 127
            vectors = np.rint(vectors / scales[:, None])
        kept = vectors.astype(self.config.precision)
        self._keep(
            np.concatenate([self._codes, codes]),
            np.concatenate([self._vectors, kept]),
            np.concatenate([self._scales, scales]),
        )

    def _delete(self, gone: Mask) -> None:
        stay = ~gone[self._codes]
        self._keep(self._codes[stay], self._vectors[stay], self._scales[stay])

    def _keep(self, codes: Codes, vectors: NDArray[Any], scales: Vectors) -> None:
        self._codes, self._vectors, self._scales = codes, vectors, scales

    def _search(self, queries: Vectors, k: int, allowed: Mask | None) -> Ranking:
        rows = np.arange(len(self._codes))
        if allowed is not None:
            rows = rows[allowed[self._codes]]
        step = max(1, _BLOCK // len(rows))
        parts = [
            top_k(self._scores(queries[start : start + step], rows), k)
            for start in range(0, len(queries), step)
        ]
        columns = np.concatenate([columns for columns, _ in parts])
        return Ranking(self._codes[rows[columns]], np.concatenate([values for _, values in parts]))

    def _scores(self, queries: Vectors, rows: NDArray[np.int64]) -> Vectors:
        scores = np.empty((len(queries), len(rows)), np.float32)
        step = max(1, _BLOCK // self.dimension)
        for start in range(0, len(rows), step):
            block = rows[start : start + step]
            vectors = self._vectors[block].astype(np.float32)
            scores[:, start : start + step] = queries @ vectors.T * self._scales[block]
        return scores

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What a file must hold."""
        return {"codes": self._codes, "vectors": self._vectors, "scales": self._scales}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes back what `tensors` gave."""
        self._keep(tensors["codes"], tensors["vectors"], tensors["scales"])
        self._present = np.zeros(int(self._codes.max(initial=0)) + 1, bool)
        self._present[self._codes] = True
