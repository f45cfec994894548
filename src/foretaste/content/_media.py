"""What encoders of files share: an item names a file, the file becomes a vector, kept on disk.

A file that can't be used is no reason to stop: its item has a zero vector, as one without a file
has, and how many there are, and why, is a line in the log.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Protocol

import numpy as np
import polars as pl
import structlog
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.content._cache import Keys, VectorCache, content_keys, default_folder
from foretaste.content._weights import find_model, fingerprint_files
from foretaste.errors import DataError
from foretaste.progress import progress_bar

_log = structlog.get_logger(__name__)

#: Files that are prepared, encoded and kept in the cache at a time.
_CHUNK: Final = 64

#: From so many files on, it takes long enough to show a bar.
_LONG: Final = 256


class UnreadableError(Exception):
    """One file can't be used; says why, in words that are the same for all files like it."""


class _Problems:
    """Counts files that can't be used, by what is wrong with them."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._first = ""

    def add(self, name: str, error: UnreadableError) -> None:
        """Takes one more."""
        self._reasons[str(error)] += 1
        self._first = self._first or name

    def tell(self, what: str, files: int) -> None:
        """Logs one line if there were any."""
        if self._reasons:
            _log.warning(
                f"{what} that can't be used have zero vectors",
                files=self._reasons.total(),
                of=files,
                reasons=dict(self._reasons.most_common()),
                first=self._first,
            )


class MediaConfig(Config):
    """What encoders of files share.

    Attributes:
        model: The path of a Hugging Face model, or a name on the Hugging Face hub.
        column: Item column that names the files.
        folder: Where they are; a file outside it is not read.
        most_mib: Larger files are not read.
        cache: Folder in which vectors are kept, null to keep none; "auto" is below
            $FORETASTE_CACHE, or the user's cache folder.
        progress: Show a bar when it takes long and a person is looking.
    """

    model: str
    column: str
    folder: Path = Path()
    most_mib: float = Field(default=20.0, gt=0)
    cache: Literal["auto"] | Path | None = "auto"
    progress: bool = True


class MediaNetwork(Protocol):
    """Files in, vectors out."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        ...

    def prepare(self, content: bytes) -> NDArray[np.float32]:
        """What the network reads of a file, safely.

        Raises:
            UnreadableError: It is not what it should be, or too large.
        """
        ...

    def embed(self, prepared: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Vectors, float32[n, dimension]."""
        ...


class MediaEncoder(ABC):
    """Encodes the files that items name; the network is loaded when first needed.

    A file is encoded once: vectors are kept on disk under the hash of its contents.
    """

    what: ClassVar[str]
    config_class: ClassVar[type[MediaConfig]]

    def __init__(self, model: str, **settings: Any) -> None:
        """Takes the other settings of `config_class` by keyword.

        Raises:
            ConfigError: A setting is unknown or does not fit.
        """
        self.config = self.config_class.parse({"model": model, **settings})

    @abstractmethod
    def _load(self, folder: Path) -> MediaNetwork:
        """The network in a folder that `find_model` has passed."""

    @abstractmethod
    def _decisive(self) -> tuple[object, ...]:
        """The settings, beside the model, that change what a file says."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the model's files and of the settings that change vectors."""
        return _sha256(self._reading, self.config.column)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._network.dimension

    def encode(self, items: pl.DataFrame) -> NDArray[np.float32]:
        """Vectors of a table of items, float32[rows, dimension].

        Zero for an item without a file and for one whose file can't be used; how many there are,
        and why, is logged.

        Raises:
            DataError: The column is missing from the table.
            InputError: The model can't be found or loaded.
        """
        column = self.config.column
        if column not in items.columns:
            raise DataError(
                f"the items have no such column (found: {', '.join(items.columns)}).", field=column
            )
        names = items[column].cast(pl.String).fill_null("").str.strip_chars()
        distinct = names.filter(names != "").unique(maintain_order=True)
        # The last row is that of items without a file.
        vectors = np.pad(self._vectors(distinct.to_list()), ((0, 1), (0, 0)))
        numbered = pl.DataFrame({column: distinct, "row": np.arange(len(distinct))})
        rows = names.to_frame().join(numbered, on=column, how="left", maintain_order="left")["row"]
        return vectors[rows.fill_null(len(distinct)).to_numpy()]

    def _vectors(self, names: list[str]) -> NDArray[np.float32]:
        """Vectors of files, from the cache or else from the network; zero for unusable ones."""
        vectors = np.zeros((len(names), self.dimension), np.float32)
        problems = _Problems()
        readable, keys = self._keys(names, problems)
        known, found = self._cache.read(keys)
        vectors[readable[known]] = found.reshape(-1, self.dimension)
        missing = np.setdiff1d(np.arange(len(readable)), known)
        shown = self.config.progress and len(missing) >= _LONG
        bar_or_not = progress_bar(f"Encoding {self.what}", len(missing)) if shown else nullcontext()
        with bar_or_not as bar:
            for start in range(0, len(missing), _CHUNK):
                chunk = missing[start : start + _CHUNK]
                prepared = self._prepared(names, readable[chunk], problems)
                if prepared:
                    rows = np.array(list(prepared))
                    vectors[rows] = self._network.embed(list(prepared.values()))
                    self._cache.write(keys[np.searchsorted(readable, rows)], vectors[rows])
                if bar is not None:
                    bar.advance(steps=len(chunk))
        problems.tell(self.what, len(names))
        return vectors

    def _keys(self, names: list[str], problems: _Problems) -> tuple[NDArray[np.int64], Keys]:
        """The rows of files that can be read, rising, and the hashes of their contents."""
        rows: list[int] = []

        def contents() -> Iterator[bytes]:
            for row, name in enumerate(names):
                try:
                    content = self._read(name)
                except UnreadableError as error:
                    problems.add(name, error)
                else:
                    rows.append(row)
                    yield content

        keys = content_keys(contents())
        return np.array(rows, np.int64), keys

    def _prepared(
        self, names: list[str], rows: NDArray[np.int64], problems: _Problems
    ) -> dict[int, NDArray[np.float32]]:
        """What the network reads of files, by row, without those that it can't."""
        prepared: dict[int, NDArray[np.float32]] = {}
        for row in rows.tolist():
            try:
                prepared[row] = self._network.prepare(self._read(names[row]))
            except UnreadableError as error:
                problems.add(names[row], error)
        return prepared

    def _read(self, name: str) -> bytes:
        home = self.config.folder.expanduser().resolve()
        try:
            path = (home / name).resolve()
            if not path.is_relative_to(home):
                raise UnreadableError("outside the folder")
            if path.stat().st_size > self.config.most_mib * 2**20:
                raise UnreadableError(f"larger than {self.config.most_mib:g} MiB")
            content = path.read_bytes()
        except (OSError, ValueError):
            raise UnreadableError("no such file") from None
        if not content:
            raise UnreadableError("empty")
        return content

    @cached_property
    def _folder(self) -> Path:
        return find_model(self.config.model)

    @cached_property
    def _network(self) -> MediaNetwork:
        return self._load(self._folder)

    @cached_property
    def _reading(self) -> str:
        return _sha256(fingerprint_files(self._folder), *self._decisive())

    @cached_property
    def _cache(self) -> VectorCache:
        if self.config.cache is None:
            return VectorCache(None)
        folder = default_folder() if self.config.cache == "auto" else self.config.cache
        return VectorCache(Path(folder) / self._reading)


def _sha256(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
