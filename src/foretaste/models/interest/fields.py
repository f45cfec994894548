"""Typed features of the moment, the item and the person: what kind of value each column holds."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data.schema import Clock
from foretaste.models.interest.signals import DAY, HOUR

#: Names of the moment; `season` is a quarter of the year from December on.
HOUR_OF_DAY, WEEKDAY, SEASON = "hour", "weekday", "season"

#: A column of more distinct values than this is hashed into as many buckets.
_MOST_VALUES = 1000


@dataclass(frozen=True)
class Field:
    """One column as a feature.

    Attributes:
        name: The column.
        kind: "choice" (one of few values), "hash" (one of many) or "number".
        values: Of a choice, those that training held, as strings.
    """

    name: str
    kind: Literal["choice", "hash", "number"]
    values: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Codes of a choice or hash; 0 stands for nothing and, of a choice, for the unseen."""
        return 1 + (len(self.values) if self.kind == "choice" else _MOST_VALUES)

    @classmethod
    def of(cls, column: pl.Series) -> Field:
        """The field that fits a column of training data."""
        if column.dtype.is_numeric():
            return cls(column.name, "number")
        texts = _texts(column).drop_nulls().unique().sort()
        if len(texts) > _MOST_VALUES:
            return cls(column.name, "hash")
        return cls(column.name, "choice", tuple(texts))

    def codes(self, column: pl.Series) -> NDArray[np.int32]:
        """int32[n], of a choice or hash."""
        texts = _texts(column)
        distinct = texts.drop_nulls().unique()
        if self.kind == "choice":
            known = {value: code for code, value in enumerate(self.values, 1)}
        else:
            known = {t: 1 + zlib.crc32(t.encode()) % _MOST_VALUES for t in distinct}
        found = texts.replace_strict(known, default=0, return_dtype=pl.Int32)
        return found.fill_null(0).to_numpy().astype(np.int32)

    def numbers(self, column: pl.Series) -> NDArray[np.float32]:
        """float32[n], NaN where there is none."""
        values = column.cast(pl.Float32, strict=False)
        return values.fill_null(np.nan).to_numpy().astype(np.float32)


def of_the_moment(times: pl.Series, clock: Clock) -> pl.DataFrame:
    """Hour, weekday and season of moments in milliseconds UTC; nothing of mere order."""
    if clock != "time":
        return pl.DataFrame()
    moment = times.cast(pl.Int64)
    date = moment.cast(pl.Datetime("ms")).dt
    return pl.DataFrame(
        {
            HOUR_OF_DAY: ((moment % DAY) // HOUR).cast(pl.String),
            WEEKDAY: date.weekday().cast(pl.String),
            SEASON: (date.month() % 12 // 3).cast(pl.String),
        }
    )


def column_of(table: pl.DataFrame, name: str) -> pl.Series:
    """A column, or nothing but nulls where the table has none of that name."""
    if name in table.columns:
        return table[name]
    return pl.Series(name, [None] * len(table), dtype=pl.String)


class Scale:
    """Brings numbers of any kind to between -1 and 1 by their rank among those of training.

    Args:
        points: float32[columns, 101], percentiles of each.
    """

    def __init__(self, points: NDArray[np.float32]) -> None:
        self.points = points

    @classmethod
    def fit(cls, numbers: NDArray[np.float32]) -> Scale:
        """Fits on float32[n, columns]; NaN is left out."""
        shares = np.linspace(0, 100, 101)
        points = np.zeros((numbers.shape[1], len(shares)), np.float32)
        for place, column in enumerate(numbers.T):
            there = column[~np.isnan(column)]
            if len(there):
                points[place] = np.percentile(there, shares)
        return cls(points)

    def apply(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[n, columns]; NaN becomes 0."""
        ranks = np.linspace(-1, 1, self.points.shape[1])
        scaled = np.zeros_like(numbers)
        for place, column in enumerate(numbers.T):
            # Equal percentiles are one value: its rank is the middle of theirs.
            x, where = np.unique(self.points[place], return_inverse=True)
            y = np.bincount(where, ranks) / np.bincount(where)
            scaled[:, place] = np.where(np.isnan(column), 0, np.interp(column, x, y))
        return scaled


def fields_of(table: pl.DataFrame, names: Sequence[str]) -> tuple[Field, ...]:
    """The fields of columns, in order; what can be neither told apart nor counted is left out."""
    chosen = [name for name in names if not table[name].dtype.is_nested()]
    return tuple(Field.of(table[name]) for name in chosen)


def plain(fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Fields as JSON-ready data."""
    return [{"name": f.name, "kind": f.kind, "values": list(f.values)} for f in fields]


def from_plain(values: Sequence[Mapping[str, Any]]) -> tuple[Field, ...]:
    """What gave these."""
    return tuple(Field(v["name"], v["kind"], tuple(v["values"])) for v in values)


def _texts(column: pl.Series) -> pl.Series:
    return column.cast(pl.String)
