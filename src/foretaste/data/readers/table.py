"""A table as it stands in a file, with the way back to the file's lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from foretaste.data.problems import NAMED_ROWS, Findings, Problem, shown
from foretaste.errors import DataError

#: From numbers of records in a file (from 1, ascending) to the lines on which they begin.
LinesOf = Callable[[list[int]], list[int]]


@dataclass(frozen=True)
class Table:
    """Rows of one file.

    Attributes:
        frame: The rows, columns under the file's names or, once understood, canonical ones.
        records: uint32[rows], the number of each row's record in the file, from 1.
        file: Where the rows come from.
        lines_of: Finds the lines of records; called only to tell of problems.
        typed: Whether the format gave values their types; of text files all are strings.
        original: The names in the file of columns that were renamed.
    """

    frame: pl.DataFrame
    records: pl.Series
    file: Path
    lines_of: LinesOf
    typed: bool
    original: Mapping[str, str] = field(default_factory=dict[str, str])

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, column: str) -> pl.Series:
        return self.frame[column]

    def __contains__(self, column: str) -> bool:
        return column in self.frame.columns

    def name_of(self, column: str) -> str:
        """The name in the file of a column."""
        return self.original.get(column, column)

    def renamed(self, names: Mapping[str, str]) -> Table:
        """The same with columns renamed, present name to new name."""
        original = {new: self.name_of(old) for old, new in names.items()}
        kept = {new: old for new, old in self.original.items() if new not in names}
        return replace(self, frame=self.frame.rename(names), original=kept | original)

    def set(self, column: str, values: pl.Series | pl.Expr) -> Table:
        """The same with a column replaced or added."""
        return replace(self, frame=self.frame.with_columns(values.alias(column)))

    def without(self, *columns: str) -> Table:
        """The same without some columns."""
        return replace(self, frame=self.frame.drop(columns))

    def without_empty(self) -> Table:
        """The same without columns that hold nothing."""
        empty = [c for c in self.frame.columns if self.frame[c].null_count() == len(self)]
        return self.without(*empty)

    def keep(self, rows: pl.Series) -> Table:
        """The rows where `rows`, bool[rows], is true."""
        return replace(self, frame=self.frame.filter(rows), records=self.records.filter(rows))

    def refuse(
        self,
        bad: pl.Series,
        message: str,
        findings: Findings,
        *,
        column: str | None = None,
        hint: str | None = None,
    ) -> Table:
        """The rows without the bad ones, which become one problem.

        Args:
            bad: bool[rows]; null counts as false.
            message: What is wrong; ``{value}`` stands for the value of `column` in the first row.
            findings: Takes the problem.
            column: The column at fault.
            hint: What to do about it.

        Raises:
            DataError: A row is bad and findings are strict.
        """
        bad = bad.fill_null(value=False)
        if not bad.any():
            return self
        lines = self.lines_of(self.records.filter(bad).head(NAMED_ROWS).to_list())
        value = "" if column is None else shown(self.frame[column].filter(bad)[0])
        findings.problem(
            Problem(
                message.format(value=value),
                file=str(self.file),
                row=lines[0],
                field=None if column is None else self.name_of(column),
                hint=hint,
                count=int(bad.sum()),
                rows=tuple(lines),
            )
        )
        return self.keep(~bad)

    def error(
        self, message: str, *, column: str | None = None, hint: str | None = None
    ) -> DataError:
        """An error that concerns the whole file or a whole column of it."""
        name = None if column is None else self.name_of(column)
        return DataError(message, file=self.file, field=name, hint=hint)


def numbered(frame: pl.DataFrame) -> pl.Series:
    """The records of a table no row of which is missing: 1, 2, 3…"""
    return pl.int_range(1, len(frame) + 1, dtype=pl.UInt32, eager=True)


def same_lines(records: list[int]) -> list[int]:
    """For formats in which records are counted and not lines."""
    return records
