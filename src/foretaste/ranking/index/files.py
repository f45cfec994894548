"""An index as a folder: checksummed, without anything in it that could run.

index.json            kind, settings, fingerprint, and a checksum of every other file
arrays.safetensors    codes, and the vectors of an exact index
lists.faiss           the lists of an inverted index, in FAISS's own format
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from foretaste.config import Config
from foretaste.errors import ArtifactError, ConfigError
from foretaste.ranking.index.base import VectorIndex
from foretaste.ranking.index.building import KINDS
from foretaste.ranking.index.config import IndexConfig, Kind
from foretaste.ranking.index.exact import ExactIndex
from foretaste.ranking.index.inverted import InvertedIndex

_FORMAT = 1
_HEAD, _ARRAYS, _LISTS = "index.json", "arrays.safetensors", "lists.faiss"
_FILES: dict[Kind, tuple[str, ...]] = {"exact": (_ARRAYS,), "ivf": (_ARRAYS, _LISTS)}
_AGAIN = "Build the index again."


class _Head(Config):
    format: int = Field(ge=1, le=_FORMAT)
    kind: Kind
    config: IndexConfig
    dimension: int = Field(ge=1)
    fingerprint: str
    probes: int = Field(ge=0)
    sha256: dict[str, str]


def save_index(index: VectorIndex, path: str | Path) -> Path:
    """Writes an index to a new folder: under another name beside it, renamed when whole.

    Returns:
        `path`.

    Raises:
        ArtifactError: There is something at `path` already, or it can't be written.
    """
    path = Path(path)
    if path.exists():
        raise ArtifactError("there is something here already.", file=path)
    folder = path.with_name(f".{path.name}-{secrets.token_hex(4)}.partial")
    try:
        folder.mkdir(parents=True)
        _write(index, folder)
        folder.rename(path)
    except OSError as error:
        raise ArtifactError(f"the index can't be written: {error.strerror}.", file=path) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return path


def load_index(path: str | Path, *, fingerprint: str | None = None) -> VectorIndex:
    """Reads an index; its answers equal those of the one that was saved.

    Args:
        path: The folder that `save_index` wrote.
        fingerprint: Of the vectors that it must be of.

    Raises:
        ArtifactError: It is no index, is damaged, or of a newer format.
        InputError: It was built for vectors of another fingerprint.
        MissingExtraError: It is an inverted index, and FAISS is not installed.
    """
    path = Path(path)
    head = _read_head(path)
    for name in _FILES[head.kind]:
        if _sha256(path / name) != head.sha256.get(name):
            raise ArtifactError(
                "this file is not as it was written.", file=path / name, hint=_AGAIN
            )
    index = KINDS[head.kind](head.config, head.dimension, head.fingerprint)
    if fingerprint is not None:
        index.require(fingerprint)
    try:
        arrays = load_file(path / _ARRAYS)
        if isinstance(index, ExactIndex):
            index.restore(arrays)
        if isinstance(index, InvertedIndex):
            index.read(str(path / _LISTS), arrays["codes"], head.probes)
    except (OSError, LookupError, RuntimeError, ValueError, SafetensorError) as error:
        raise ArtifactError(f"the index can't be read: {error}.", file=path, hint=_AGAIN) from error
    return index


def _write(index: VectorIndex, folder: Path) -> None:
    arrays: dict[str, Any] = {"codes": index.codes}
    if isinstance(index, ExactIndex):
        arrays = index.tensors()
    save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, folder / _ARRAYS)
    probes = 0
    if isinstance(index, InvertedIndex):
        index.write(str(folder / _LISTS))
        probes = index.probes
    head = _Head(
        format=_FORMAT,
        kind=index.kind,
        config=index.config,
        dimension=index.dimension,
        fingerprint=index.fingerprint,
        probes=probes,
        sha256={file.name: _sha256(file) for file in sorted(folder.iterdir())},
    )
    (folder / _HEAD).write_text(json.dumps(head.model_dump(mode="json"), indent=2), "utf-8")


def _read_head(path: Path) -> _Head:
    file = path / _HEAD
    try:
        return _Head.parse(json.loads(file.read_text("utf-8")), file=file)
    except OSError:
        raise ArtifactError(f"there is no index here: no {_HEAD}.", file=path) from None
    except ConfigError as error:
        raise ArtifactError(error.message, file=file, field=error.field, hint=_AGAIN) from None
    except ValueError:
        raise ArtifactError("this file is not JSON.", file=file, hint=_AGAIN) from None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(
            f"this file of the index can't be read: {error.strerror}.", file=path, hint=_AGAIN
        ) from None
