"""Which kind of index suits so many vectors, and making it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretaste.errors import InputError
from foretaste.ranking.index.base import VectorIndex, Vectors, checked, fingerprint_of
from foretaste.ranking.index.config import IndexConfig, Kind
from foretaste.ranking.index.exact import ExactIndex
from foretaste.ranking.index.inverted import InvertedIndex

KINDS: dict[Kind, type[VectorIndex]] = {"exact": ExactIndex, "ivf": InvertedIndex}


def build_index(
    codes: NDArray[np.integer],
    vectors: Vectors,
    config: IndexConfig | None = None,
    *,
    fingerprint: str | None = None,
    queries: Vectors | None = None,
) -> VectorIndex:
    """Builds an index, exact or not by size; its `kind` says which.

    Args:
        codes: int[n], distinct and above 0: item codes.
        vectors: float32[n, d], whose inner products are to be searched.
        config: How they are kept and searched.
        fingerprint: Of what the vectors come from (an encoder or model), to be compared when the
            index is loaded; by default, of the vectors themselves.
        queries: float32[m, d], such as will be asked, to tune the search with; by default vectors
            that the index holds.

    Raises:
        InputError: As `VectorIndex.add`, or there are no vectors.
        MissingExtraError: The index is to be "ivf", and FAISS is not installed.
    """
    config = config or IndexConfig()
    if vectors.ndim != 2 or not vectors.size:
        raise InputError("there are no vectors to build an index of.", field="vectors")
    vectors = checked(vectors, "vectors", vectors.shape[1])
    kind = config.kind
    if kind == "auto":
        kind = "exact" if len(vectors) <= config.exact_up_to else "ivf"
    index = KINDS[kind](config, vectors.shape[1], fingerprint or fingerprint_of(codes, vectors))
    if isinstance(index, InvertedIndex):
        index.train(vectors)
    index.add(codes, vectors)
    if isinstance(index, InvertedIndex):
        asked = vectors if queries is None else checked(queries, "queries", index.dimension)
        index.tune(asked)
    return index
