"""What reading finds out: problems with their places, and notes that a user should know."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from foretaste.errors import DataError

#: How many of the rows with one problem are named.
NAMED_ROWS = 5


@dataclass(frozen=True)
class Problem:
    """Something in the files that can't be understood.

    Attributes:
        message: What is wrong; of several rows, with the first.
        file: The file at fault.
        row: The first row at fault, as in `foretaste.errors.ForetasteError`.
        field: The column at fault, under the name it has in the file.
        hint: What to do about it.
        count: How many rows have the same problem.
        rows: The first few of these rows.
    """

    message: str
    file: str | None = None
    row: int | None = None
    field: str | None = None
    hint: str | None = None
    count: int = 1
    rows: tuple[int, ...] = ()

    @classmethod
    def of(cls, error: DataError) -> Problem:
        """The problem that `error` tells of."""
        return cls(error.message, error.file, error.row, error.field, error.hint)

    def error(self) -> DataError:
        """The error that tells of this problem."""
        return DataError(
            self.message, file=self.file, row=self.row, field=self.field, hint=self.hint
        )

    def __str__(self) -> str:
        more = self.count - len(self.rows)
        others = ", ".join(map(str, self.rows[1:])) + (f" and {more:,} more" if more else "")
        also = f" (also in rows {others})" if self.count > 1 else ""
        return f"{self.error()}{also}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True)
class FileReport:
    """What was understood of one file.

    Attributes:
        name: The file's name.
        table: What it holds: "events", "items" or "users".
        rows: Rows that could be read.
        columns: The file's names of columns that were understood, and what as.
    """

    name: str
    table: str
    rows: int
    columns: dict[str, str]


@dataclass
class Findings:
    """Collects what reading finds, and decides whether a problem ends it.

    Attributes:
        strict: Whether the first problem is raised as an error; else all are collected.
        problems: Problems with rows, which were skipped.
        notes: What reading did that a user should know, one sentence each.
        files: What was understood of each file.
    """

    strict: bool
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)

    def problem(self, problem: Problem) -> None:
        """Takes a problem with rows that can be skipped.

        Raises:
            DataError: Findings are strict.
        """
        if self.strict:
            raise problem.error()
        self.problems.append(problem)

    def note(self, sentence: str) -> None:
        """Takes a sentence for the user."""
        self.notes.append(sentence)

    def skipped(self) -> list[str]:
        """One sentence a problem on the rows that were skipped for it."""
        return [
            f"Skipped {counted(p.count, 'row')}: {p.error().place}: {p.message}"
            for p in self.problems
        ]


def counted(count: int, noun: str) -> str:
    """A number of things, readably: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shown(value: object, width: int = 60) -> str:
    """A value as a message shows it: quoted, on one line and not too long."""
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
