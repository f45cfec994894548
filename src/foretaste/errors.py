"""Errors that say what is wrong, where it is, and what to do about it.

Everything a user can mend is an `InputError`: the command line prints it in one line, without a
traceback, and exits with code 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class ForetasteError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        message: What is wrong, in one sentence.
        file: The file at fault.
        row: The row at fault: the line number in text files (a header is line 1), the row number
            counted from 1 in Parquet files and tables.
        field: The column, setting or argument at fault.
        hint: What to do about it.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        row: int | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.file = None if file is None else str(file)
        self.row = row
        self.field = field
        self.hint = hint
        super().__init__(message, file, row, field, hint)

    @property
    def place(self) -> str:
        """Where it is, for people: ``events.csv, row 12, field 'timestamp'``; may be empty."""
        parts = [
            self.file,
            None if self.row is None else f"row {self.row}",
            None if self.field is None else f"field '{self.field}'",
        ]
        return ", ".join(part for part in parts if part)

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text} {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword arguments are lost otherwise when a worker process hands the error over.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[ForetasteError], args: tuple[Any, ...], state: dict[str, Any]
) -> ForetasteError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InputError(ForetasteError):
    """Something given from outside is wrong, and whoever gave it can mend it."""

    exit_code = 2


class DataError(InputError):
    """Events, items or users that can't be understood."""


class ConfigError(InputError):
    """A setting that is unknown, of the wrong type or out of range."""


class ArtifactError(InputError):
    """A run folder that is damaged, incomplete or of another format."""


class UnknownIdError(InputError):
    """A user or an item that the model does not know."""


class NotFittedError(ForetasteError):
    """A model was asked for an answer before it was fitted or loaded."""

    def __init__(self, model: str) -> None:
        super().__init__(f"{model} has not been fitted.", hint="Call fit() or load a run first.")


class MissingExtraError(ForetasteError):
    """A feature needs a package that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"This needs the package '{package}', which is not installed.",
            hint=f"Install it with: pip install 'foretaste[{extra}]'",
        )
