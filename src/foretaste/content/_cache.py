"""Vectors kept on disk, so that no text is encoded twice by the same model.

A folder of shards that are written once and never changed. A shard is a safetensors file with the
keys of some texts and their vectors, named by the hash of its bytes: two processes that encode the
same texts write the same file, and one that is cut short or altered no longer fits its name and is
passed over. Vectors are kept in float32: in half the space, float16 would make the second run
answer a little differently from the first.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import safetensors.numpy
import structlog
from numpy.typing import NDArray
from safetensors import SafetensorError

_log = structlog.get_logger(__name__)

#: Shards below this many bytes are joined into one when there are more than so many of them.
_SMALL: Final = 2**20
_MANY_SMALL: Final = 64

Keys = NDArray[np.uint64]
Vectors = NDArray[np.float32]


def text_keys(texts: Iterable[str]) -> Keys:
    """BLAKE2b hashes of texts, uint64[n, 2].

    One Python call a text, about a microsecond beside the milliseconds of encoding it; Polars'
    own hashes may differ from version to version, so they can't name what is kept on disk.
    """
    return content_keys(text.encode() for text in texts)


def content_keys(contents: Iterable[bytes]) -> Keys:
    """BLAKE2b hashes of texts in UTF-8, or of whole files, uint64[n, 2]."""
    digests = b"".join(hashlib.blake2b(content, digest_size=16).digest() for content in contents)
    return np.frombuffer(digests, "<u8").reshape(-1, 2).astype(np.uint64)


class VectorCache:
    """The shards in one folder, all of one model.

    A cache never stops the work: what can't be read or written is a line in the log.

    Args:
        folder: Made at the first write; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def read(self, keys: Keys) -> tuple[NDArray[np.int64], Vectors]:
        """Looks up distinct keys, uint64[n, 2].

        Returns:
            The rows of `keys` that are known, int64[m], and their vectors, float32[m, dimension].
        """
        missing = _table(keys, "row")
        rows: list[NDArray[np.int64]] = []
        parts: list[Vectors] = []
        for _, shard_keys, vectors in self._shards(self._paths()):
            if missing.is_empty():
                break
            found = missing.join(_table(shard_keys, "place"), on=["a", "b"])
            found = found.unique("row", maintain_order=True)
            rows.append(found["row"].to_numpy())
            parts.append(vectors[found["place"].to_numpy()])
            missing = missing.join(found, on="row", how="anti")
        if not rows:
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        return np.concatenate(rows), np.concatenate(parts)

    def write(self, keys: Keys, vectors: Vectors) -> None:
        """Adds a shard, uint64[n, 2] and float32[n, dimension]; small ones are joined."""
        if self.folder is None:
            return
        try:
            _write_shard(self.folder, keys, vectors)
            small = [path for path in self._paths() if path.stat().st_size < _SMALL]
            if len(small) > _MANY_SMALL:
                self._join(self.folder, small)
        except OSError as error:
            _log.warning("vectors could not be cached", folder=str(self.folder), reason=str(error))

    def _join(self, folder: Path, paths: list[Path]) -> None:
        # Whoever else is reading passes over the shards that vanish and encodes those texts anew.
        shards = list(self._shards(paths))
        joined = _write_shard(
            folder,
            np.concatenate([keys for _, keys, _ in shards]),
            np.concatenate([vectors for _, _, vectors in shards]),
        )
        for path, _, _ in shards:
            if path != joined:
                path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return [] if self.folder is None else sorted(self.folder.glob("*.safetensors"))

    def _shards(self, paths: list[Path]) -> Iterator[tuple[Path, Keys, Vectors]]:
        for path in paths:
            try:
                content = path.read_bytes()
                if _name(content) != path.stem:
                    raise ValueError("its contents are not what was written")
                tensors = safetensors.numpy.load(content)
                yield path, tensors["keys"], tensors["vectors"]
            except (OSError, ValueError, KeyError, SafetensorError) as error:
                _log.warning("cached vectors are passed over", file=str(path), reason=str(error))


def _write_shard(folder: Path, keys: Keys, vectors: Vectors) -> Path:
    content = safetensors.numpy.save({"keys": keys, "vectors": np.ascontiguousarray(vectors)})
    path = folder / f"{_name(content)}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def default_folder() -> Path:
    """Where vectors are kept: below $FORETASTE_CACHE, or the user's cache folder."""
    chosen = os.environ.get("FORETASTE_CACHE")
    if chosen:
        return Path(chosen) / "vectors"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "foretaste" / "vectors"


def _table(keys: Keys, name: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"a": keys[:, 0], "b": keys[:, 1], name: np.arange(len(keys), dtype=np.int64)}
    )


def _name(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
