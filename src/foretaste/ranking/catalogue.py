"""What the stages know of items, by item code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from foretaste.data import Vocabulary
from foretaste.data.categories import category_vectors
from foretaste.data.schema import ITEM_ID
from foretaste.errors import ConfigError, DataError, InputError
from foretaste.models import Recommender


@dataclass(frozen=True)
class Catalogue:
    """Items in the order of their codes.

    Attributes:
        items: One row for every code from 1.
        vocabulary: Their ids and codes.
        counts: int64[items + 1], training events by item code.
        vectors: float32[items + 1, d], unit content vectors by item code; None without content.
    """

    items: pl.DataFrame
    vocabulary: Vocabulary
    counts: NDArray[np.int64]
    vectors: NDArray[np.float32] | None = None

    @classmethod
    def of(
        cls,
        model: Recommender,
        items: pl.DataFrame | None = None,
        *,
        vectors: NDArray[np.float32] | None = None,
    ) -> Catalogue:
        """The catalogue of a model.

        Args:
            model: A fitted model.
            items: A row for items it knows, in any order; those without a row have nulls.
            vectors: float32[items, d], content vectors, a row for each of the model's items in
                the order of their codes.

        Raises:
            DataError: The table has no ids, or an id twice.
            InputError: The vectors are of another number of items, or not finite.
        """
        vocabulary = model.item_vocabulary
        return cls(
            _in_code_order(items, vocabulary),
            vocabulary,
            model.item_counts,
            None if vectors is None else _checked(vectors, len(vocabulary)),
        )

    @property
    def size(self) -> int:
        """Number of codes, padding included."""
        return self.vocabulary.size

    def column(self, name: str, field: str) -> pl.Series:
        """A column of the items.

        Args:
            name: Of the column.
            field: The setting that names it, for the error.

        Raises:
            ConfigError: There is no such column.
        """
        if name not in self.items.columns:
            raise ConfigError(
                f"the items have no column '{name}'.",
                field=field,
                hint=f"They have: {', '.join(self.items.columns)}.",
            )
        return self.items[name]

    def categories(self, name: str, field: str) -> Any:
        """A column as a sparse 0-1 matrix, float32[items + 1, categories].

        Raises:
            ConfigError: There is no such column, or it holds no strings or lists of them.
        """
        column = self.column(name, field)
        inner = column.dtype.inner if isinstance(column.dtype, pl.List) else column.dtype
        if not (inner == pl.String or inner == pl.Null):  # noqa: PLR1714 - types compare by ==
            raise ConfigError(f"the column '{name}' holds {inner}, not categories.", field=field)
        return category_vectors(column)

    def codes(self, ids: list[str | int], field: str) -> NDArray[np.int32]:
        """Item codes of ids.

        Raises:
            ConfigError: An id is unknown.
        """
        codes = self.vocabulary.encode(ids)
        for given, code in zip(ids, codes, strict=True):
            if code == 0:
                raise ConfigError(f"there is no item {given!r}.", field=field)
        return codes


def unit_rows(matrix: Any) -> Any:
    """The rows of a dense or sparse matrix at length 1; rows of zeros stay."""
    if sp.issparse(matrix):
        lengths = np.sqrt(np.asarray(matrix.power(2).sum(axis=1)).ravel())
        scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return (sp.diags_array(scale) @ matrix).tocsr().astype(np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)


def _in_code_order(items: pl.DataFrame | None, vocabulary: Vocabulary) -> pl.DataFrame:
    order = vocabulary.ids.alias(ITEM_ID).to_frame()
    if items is None:
        return order
    if ITEM_ID not in items.columns:
        raise DataError("the items have no such column.", field=ITEM_ID)
    if items[ITEM_ID].is_duplicated().any():
        raise DataError("the items list an id more than once.", field=ITEM_ID)
    same = items.with_columns(pl.col(ITEM_ID).cast(vocabulary.ids.dtype, strict=False))
    return order.join(same, on=ITEM_ID, how="left", maintain_order="left")


def _checked(vectors: NDArray[np.float32], items: int) -> NDArray[np.float32]:
    if vectors.ndim != 2 or len(vectors) != items:
        raise InputError(
            f"there must be one vector for each of {items} items, not the shape {vectors.shape}.",
            field="vectors",
        )
    if not np.isfinite(vectors).all():
        raise InputError("a vector holds NaN or infinity.", field="vectors")
    return np.pad(unit_rows(vectors), ((1, 0), (0, 0)))
