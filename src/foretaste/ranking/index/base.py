"""The contract of a vector index, and the checks that every kind shares."""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from foretaste.data import Ragged
from foretaste.errors import InputError, UnknownIdError
from foretaste.models.answering import Ranking
from foretaste.ranking.index.config import IndexConfig, Kind, Precision

Codes = NDArray[np.int32]
Vectors = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: How much farther is looked for what is excluded goes in steps of at least so many.
_STEP = 16

#: So many vectors tell whether an index is of a set of vectors; a kept one may differ from the
#: true one by this part of its squared length.
_WITNESSES = 32
_ROUNDING: dict[Precision, float] = {"float32": 1e-3, "float16": 2e-3, "int8": 2e-2}


class VectorIndex(ABC):
    """Finds the vectors with the largest inner product with a query.

    Vectors are known by code (item codes: positive integers). They are added and deleted without
    a rebuild. Make one with `build_index`.

    Args:
        config: How vectors are kept and searched.
        dimension: Length of the vectors.
        fingerprint: Says which vectors these are, as `fingerprint_of` or an encoder does.
    """

    kind: ClassVar[Kind]

    def __init__(self, config: IndexConfig, dimension: int, fingerprint: str) -> None:
        self.config = config
        self.dimension = dimension
        self.fingerprint = fingerprint
        self._present = np.zeros(1, bool)

    # What a kind writes.

    @abstractmethod
    def _add(self, codes: Codes, vectors: Vectors) -> None:
        """Takes in checked vectors whose codes are new."""

    @abstractmethod
    def _delete(self, gone: Mask) -> None:
        """Forgets the codes where `gone`, bool[codes], is true."""

    @abstractmethod
    def _search(self, queries: Vectors, k: int, allowed: Mask | None) -> Ranking:
        """The k best, k being at most the number of vectors allowed, bool[codes]."""

    @property
    @abstractmethod
    def memory_bytes(self) -> int:
        """Bytes that the index holds for vectors, codes and lists."""

    @abstractmethod
    def __str__(self) -> str:
        """How it searches, for traces."""

    # What everybody may call.

    def __len__(self) -> int:
        return int(np.count_nonzero(self._present))

    @property
    def codes(self) -> Codes:
        """int32[n], the codes it holds, rising."""
        return np.flatnonzero(self._present).astype(np.int32)

    def search(
        self,
        queries: Vectors,
        k: int,
        *,
        allowed: Mask | None = None,
        exclude: Ragged | None = None,
    ) -> Ranking:
        """Finds the k best vectors for each query.

        Args:
            queries: float32[n, dimension].
            k: At least 1; more than there are is the same as all of them.
            allowed: bool[n] by code, of any length: among which to search; others are never in
                the answer, and it has k items whenever k of these are in the index.
            exclude: Codes that are not in the answer to one query, a row each, likewise.

        Returns:
            Codes and inner products, best first, [n, min(k, number of vectors allowed)]; 0 and
            minus infinity where what is excluded leaves fewer.

        Raises:
            InputError: k is below 1, or the queries are of the wrong shape or not finite.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        queries = checked(queries, "queries", self.dimension)
        among = None if allowed is None else self._held(allowed)
        most = len(self)
        if among is not None:
            everything, most = most, int(np.count_nonzero(among))
            among = None if most == everything else among
        if exclude is None:
            exclude = Ragged.from_lengths(np.empty(0, np.int32), np.zeros(len(queries), np.int64))
        return self._search_excluding(queries, k, among, most, exclude)

    def mask_of(self, codes: NDArray[np.integer]) -> Mask:
        """bool[n] by code: those of `codes` that the index holds, to search among."""
        mask = np.zeros(len(self._present), bool)
        mask[codes[(codes > 0) & (codes < len(mask))]] = True
        return mask & self._present

    def add(self, codes: NDArray[np.integer], vectors: Vectors) -> None:
        """Takes in vectors, of the same space as those it was built of.

        Args:
            codes: int[n], above 0, none of them in the index.
            vectors: float32[n, dimension].

        Raises:
            InputError: A code is taken, listed twice or below 1, or the vectors are of the wrong
                shape, not finite, or too large for the precision.
        """
        vectors = checked(vectors, "vectors", self.dimension)
        if (
            self.config.precision == "float16"
            and (np.abs(vectors) > np.finfo(np.float16).max).any()
        ):
            raise InputError(
                "a number is too large for float16.",
                field="vectors",
                hint="Scale the vectors, or set precision to float32.",
            )
        codes = self._new(codes, len(vectors))
        size = max(len(self._present), int(codes.max(initial=0)) + 1)
        self._present = np.pad(self._present, (0, size - len(self._present)))
        self._present[codes] = True
        self._add(codes, vectors)

    def copied(self) -> Self:
        """The same index once more: what changes in one is as it was in the other."""
        other = copy.copy(self)
        other._present = self._present.copy()
        return other

    def delete(self, codes: NDArray[np.integer]) -> None:
        """Forgets vectors.

        Raises:
            UnknownIdError: One of the codes is not in the index.
        """
        gone = self.mask_of(codes)
        if gone.sum() != len(np.unique(codes)):
            missing = np.setdiff1d(codes, self.codes)[0]
            raise UnknownIdError(f"the index holds no vector {missing}.", field="codes")
        self._present &= ~gone
        self._delete(gone)

    def require(self, fingerprint: str) -> None:
        """Makes sure that this index is of the vectors with that fingerprint.

        Raises:
            InputError: It was built for others.
        """
        if fingerprint != self.fingerprint:
            raise _of_others("fingerprint")

    def require_vectors(self, vectors: Vectors) -> None:
        """Makes sure that this index is of these vectors, as far as a sample of them can tell.

        For vectors that are computed anew, and come out a little different on another machine.

        Args:
            vectors: float32[codes, d], by code.

        Raises:
            InputError: It was built for others.
        """
        codes = self.codes
        if codes.max(initial=0) >= len(vectors) or vectors.shape[1] != self.dimension:
            raise _of_others("vectors")
        some = codes[np.unique(np.linspace(0, len(codes) - 1, _WITNESSES).astype(np.int64))]
        lengths = (vectors[some].astype(np.float64) ** 2).sum(axis=1)
        found = [
            self.search(vectors[[code]], 1, allowed=self.mask_of(np.array([code]))) for code in some
        ]
        products = np.array([ranking.scores[0, 0] for ranking in found])
        if np.abs(products - lengths).sum() > _ROUNDING[self.config.precision] * lengths.sum():
            raise _of_others("vectors")

    # Inside.

    def _search_excluding(
        self, queries: Vectors, k: int, among: Mask | None, most: int, exclude: Ragged
    ) -> Ranking:
        """Looks as much farther for each query as is left out of its answer.

        Args:
            queries: float32[n, dimension].
            k: Wanted for each.
            among: bool[codes]; None is all.
            most: How many those are.
            exclude: A row a query.
        """
        width = min(k, most)
        items = np.zeros((len(queries), width), np.int32)
        scores = np.full(items.shape, -np.inf, np.float32)
        # In steps, so that people with like histories are searched for together.
        step = max(_STEP, width // 4)
        farther = -(-exclude.lengths // step) * step
        for more in np.unique(farther).tolist() if width else []:
            rows = np.flatnonzero(farther == more)
            found = self._search(queries[rows], min(width + more, most), among)
            left = found.without(exclude.take(rows), width) if more else found
            items[rows], scores[rows] = left.items, left.scores
        return Ranking(items, scores)

    def _held(self, allowed: Mask) -> Mask:
        """bool[codes]: what is allowed of what the index holds."""
        size = len(self._present)
        if len(allowed) < size:
            allowed = np.pad(allowed, (0, size - len(allowed)))
        return self._present & allowed[:size]

    def _new(self, codes: NDArray[np.integer], vectors: int) -> Codes:
        if codes.ndim != 1 or len(codes) != vectors:
            raise InputError(f"{codes.size} codes for {vectors} vectors.", field="codes")
        if len(np.unique(codes)) != len(codes):
            raise InputError("a code is listed twice.", field="codes")
        if len(codes) and codes.min() < 1:
            raise InputError(f"codes must be above 0, not {codes.min()}.", field="codes")
        taken = np.flatnonzero(self.mask_of(codes))
        if len(taken):
            raise InputError(f"the index already holds a vector {taken[0]}.", field="codes")
        return codes.astype(np.int32)


def _of_others(field: str) -> InputError:
    return InputError(
        "the index was built for other vectors.",
        field=field,
        hint="Build it again from the vectors that are in use now.",
    )


def checked(vectors: Vectors, name: str, dimension: int) -> Vectors:
    """The vectors as float32[n, dimension], contiguous.

    Raises:
        InputError: They are of another shape, or a number is not finite.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise InputError(
            f"the shape must be (any number, {dimension}), not {vectors.shape}.", field=name
        )
    vectors = np.ascontiguousarray(vectors, np.float32)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise InputError("a number is not finite.", field=name, row=int(bad[0]) + 1)
    return vectors


def fingerprint_of(codes: NDArray[np.integer], vectors: Vectors) -> str:
    """SHA-256 of codes and vectors."""
    digest = hashlib.sha256(np.ascontiguousarray(codes, np.int32).tobytes())
    digest.update(np.ascontiguousarray(vectors, np.float32).data)
    return digest.hexdigest()
