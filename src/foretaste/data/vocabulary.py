"""Ids from outside and their contiguous codes inside."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.errors import DataError

#: The code of padding, and of every id the vocabulary does not hold.
PADDING = 0

_CODE = "code"

#: Up to one id for so many known ones they are looked up one by one: a join reads all of these.
_FEW = 20
#: Up to so many by Python, which is done before Polars has begun.
_HANDFUL = 4


class Vocabulary:
    """A two-way map between ids (strings or integers) and codes 1..n, int32.

    Code 0 is padding and stands for unknown ids.

    Args:
        ids: Distinct ids; their order gives the codes.

    Raises:
        DataError: An id is null or listed twice, or ids are neither strings nor integers.
    """

    def __init__(self, ids: pl.Series) -> None:
        self.ids = _checked(ids)
        if self.ids.n_unique() != len(self.ids):
            twice = self.ids.filter(self.ids.is_duplicated())[0]
            raise DataError(f"the id {twice!r} is listed more than once.", field=ids.name)

    @classmethod
    def of(cls, ids: pl.Series) -> Vocabulary:
        """The vocabulary of the distinct values of `ids`, sorted.

        Codes then depend on the set of ids alone, never on the order of the rows they came from.
        """
        return cls(_checked(ids).unique().sort())

    def extended(self, ids: pl.Series) -> Vocabulary:
        """This vocabulary with the new ones among `ids` after it; present codes stay."""
        added = _as_type(_checked(ids), self.ids.dtype).unique(maintain_order=True)
        if added.null_count():
            raise DataError(
                f"some new ids are not of the type of the known ones, {self.ids.dtype}.",
                field=ids.name,
            )
        new = added.filter(self.encode(added) == PADDING)
        return Vocabulary(pl.concat([self.ids, new.alias(self.ids.name)]))

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def size(self) -> int:
        """Number of codes, padding included: the rows of a table indexed by code."""
        return len(self.ids) + 1

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the ids and their type."""
        digest = hashlib.sha256(str(self.ids.dtype).encode())
        for batch in self.ids.to_frame().iter_slices(100_000):
            digest.update(batch.write_csv(include_header=False).encode())
        return digest.hexdigest()

    def _looked_up(self, wanted: pl.Series) -> NDArray[np.int32]:
        """Codes of a few ids, by bisection."""
        ids, codes = self._sorted
        if len(wanted) <= _HANDFUL:
            found = np.full(len(wanted), PADDING, np.int32)
            for row, one in enumerate(wanted.to_list()):
                place = len(ids) if one is None else bisect_left(ids, one)
                if place < len(ids) and ids[place] == one:
                    found[row] = codes[place]
            return found
        places = np.minimum(ids.search_sorted(wanted).to_numpy(), len(ids) - 1)
        same = (ids[places] == wanted).fill_null(value=False).to_numpy()
        return np.where(same, codes[places], np.int32(PADDING))

    @cached_property
    def _sorted(self) -> tuple[pl.Series, NDArray[np.int32]]:
        """The ids in rising order, and their codes."""
        order = self.ids.arg_sort()
        return self.ids.gather(order), order.to_numpy().astype(np.int32) + 1

    @cached_property
    def _lookup(self) -> pl.DataFrame:
        codes = pl.Series(_CODE, np.arange(1, self.size, dtype=np.int32))
        return pl.DataFrame([self.ids.alias("id"), codes])

    def encode(self, ids: pl.Series | Sequence[str | int]) -> NDArray[np.int32]:
        """Codes of `ids`, int32[n]; 0 for the unknown.

        A string is looked up in a vocabulary of integers when it is written the plain way
        ("42", not "042"), and an integer in one of strings, so that ids typed by hand are found.
        """
        wanted = ids if isinstance(ids, pl.Series) else _series(ids)
        wanted = _as_type(wanted, self.ids.dtype)
        if _FEW * len(wanted) < len(self):
            return self._looked_up(wanted)
        found = (
            wanted.alias("id")
            .to_frame()
            .join(self._lookup, on="id", how="left", maintain_order="left")
        )
        return found[_CODE].fill_null(PADDING).to_numpy().astype(np.int32)

    def decode(self, codes: NDArray[np.int32]) -> pl.Series:
        """Ids of `codes` (none of them padding), in the same order."""
        return self.ids[codes.astype(np.int64) - 1]


def _checked(ids: pl.Series) -> pl.Series:
    if ids.dtype == pl.Null:
        ids = ids.cast(pl.String)
    if ids.dtype.is_integer():
        ids = ids.cast(pl.Int64)
    elif ids.dtype != pl.String:
        raise DataError(f"ids must be strings or integers, not {ids.dtype}.", field=ids.name)
    if ids.null_count():
        raise DataError("an id is null.", field=ids.name)
    return ids


def _series(ids: Sequence[str | int]) -> pl.Series:
    if all(isinstance(value, int) for value in ids):
        return pl.Series("id", ids, dtype=pl.Int64)
    return pl.Series("id", [str(value) for value in ids], dtype=pl.String)


def _as_type(ids: pl.Series, dtype: pl.DataType) -> pl.Series:
    if ids.dtype == dtype:
        return ids
    cast = ids.cast(dtype, strict=False)
    if dtype == pl.Int64 and ids.dtype == pl.String:
        return cast.set(cast.cast(pl.String) != ids, None)
    return cast
