"""What a reader is: how it knows its files, and what it makes of them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from foretaste.data.config import Layout
from foretaste.data.problems import Findings
from foretaste.data.readers.delimited import header_of, read_delimited
from foretaste.data.readers.json_lines import fields_of, read_json_lines
from foretaste.data.readers.parquet import parquet_columns, read_parquet
from foretaste.data.readers.table import Table
from foretaste.data.schema import Clock
from foretaste.errors import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_PARQUET = (".parquet", ".pq")
FORMATS = (*SEPARATORS, *_JSON_LINES, *_PARQUET)
_PEEK_BYTES = 2**16


@dataclass(frozen=True)
class Found:
    """The files of one data set.

    Attributes:
        events: Who did what.
        items: The catalogue.
        users: What is known of the users.
    """

    events: Path
    items: Path | None = None
    users: Path | None = None


@dataclass(frozen=True)
class Tables:
    """What a reader got from its files.

    Attributes:
        events: Events; a reader renames what its layout fixes, the rest is understood by name.
        items: The catalogue.
        users: Users.
        clock: What `timestamp` means where the layout says so; else its values decide.
    """

    events: Table
    items: Table | None = None
    users: Table | None = None
    clock: Clock | None = None


@dataclass(frozen=True)
class Reader:
    """Reads one layout.

    Attributes:
        layout: Its name.
        looks_for: The files it needs, for people.
        find: Its files in a folder (or the one file given), or none.
        read: The tables in these files.
        needs_time: Whether events without a timestamp are refused; else the file's order counts.
    """

    layout: Layout
    looks_for: str
    find: Callable[[Source], Found | None]
    read: Callable[[Found, Findings], Tables]
    needs_time: bool = True


@dataclass(frozen=True)
class Source:
    """A folder, or one file, that may hold a data set.

    Attributes:
        path: What the user named.
    """

    path: Path

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files, hidden ones apart, by name.

        Raises:
            DataError: There is no such file or folder.
        """
        if self.path.is_file():
            return (self.path,)
        if not self.path.is_dir():
            raise DataError("there is no such file or folder.", file=self.path)
        try:
            found = sorted(self.path.iterdir())
        except OSError as error:
            raise DataError(f"it can't be read: {error.strerror}.", file=self.path) from None
        return tuple(path for path in found if path.is_file() and not path.name.startswith("."))

    def named(self, *names: str) -> Path | None:
        """The first file of one of these names, in any case, gzipped or not."""
        for name in names:
            for path in self.files:
                if path.name.lower().removesuffix(".gz") == name:
                    return path
        return None

    def ending(self, *suffixes: str) -> list[Path]:
        """Files of one of these formats, gzipped or not."""
        return [path for path in self.files if suffix_of(path) in suffixes]

    def tables(self) -> list[Path]:
        """Files of a format that `read_table` reads."""
        return self.ending(*FORMATS)


def suffix_of(path: Path) -> str:
    """The format of a file by its name: ``.csv`` for ``events.CSV.gz``."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def stem_of(path: Path) -> str:
    """The name without the format, in small letters: ``events`` for ``Events.csv.gz``."""
    return Path(path.name.lower().removesuffix(".gz")).stem


def read_table(path: Path, findings: Findings) -> Table:
    """Reads a file of any common format, known by its name.

    Raises:
        DataError: The format is unknown, or the file is damaged.
    """
    suffix = suffix_of(path)
    if suffix in SEPARATORS:
        return read_delimited(path, findings, separator=SEPARATORS[suffix])
    if suffix in _JSON_LINES:
        return read_json_lines(path, findings)
    if suffix in _PARQUET:
        return read_parquet(path)
    raise DataError(
        f"'{suffix or path.name}' is no format that can be read.",
        file=path,
        hint=f"Known: {', '.join(FORMATS)}, each with or without .gz.",
    )


def columns_of(path: Path) -> list[str]:
    """The names of a table's columns from the beginning of its file; empty if there are none."""
    suffix = suffix_of(path)
    if suffix in _PARQUET:
        return parquet_columns(path)
    start = beginning(path)
    if suffix in SEPARATORS:
        return header_of(start.removeprefix(b"\xef\xbb\xbf"), SEPARATORS[suffix])
    return fields_of(start) if suffix in _JSON_LINES else []


def beginning(path: Path) -> bytes:
    """The first bytes of a file, unpacked; empty if they can't be read."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rb") as file:
            return file.read(_PEEK_BYTES)
    except (OSError, EOFError, zlib.error):
        return b""


def first_with(paths: Iterable[Path], *columns: str) -> Path | None:
    """The first of `paths` that has all of these columns, spelt exactly so."""
    return next((path for path in paths if set(columns) <= set(columns_of(path))), None)
