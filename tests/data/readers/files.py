"""Small files for the tests of readers."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from foretaste.data import Dataset, read
from foretaste.errors import DataError

HEADER = "user_id,item_id,timestamp\n"
T0 = 1_700_000_000


def write(path: Path, content: str | bytes) -> Path:
    """Writes a file, gzipped if its name says so, and gives its path back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path


def rows(dataset: Dataset) -> list[tuple[object, ...]]:
    """(user, item, timestamp) of every event."""
    return dataset.events.select("user_id", "item_id", "timestamp").rows()


def refusal(path: Path, **settings: object) -> DataError:
    """The error that reading `path` ends in."""
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    return caught.value
