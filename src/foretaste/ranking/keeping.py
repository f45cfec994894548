"""What ranking learns while it is used, in files of their own: whole or not there, and verified."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from foretaste.errors import ArtifactError

Tensors = dict[str, NDArray[Any]]

_SHA256 = "sha256"


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A name beside `path` to write to; the file takes its place when the block ends well.

    A reader never sees half of it. There may be one writer at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}.partial")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def save_tensors(
    path: str | Path, tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, str]
) -> Path:
    """Writes safetensors with plain data beside them, in one step.

    Raises:
        ArtifactError: The file can't be written.
    """
    path = Path(path)
    arrays = {name: np.require(array, requirements="C") for name, array in tensors.items()}
    try:
        with replacing(path) as partial:
            save_file(arrays, partial, metadata={**facts, _SHA256: _checksum(arrays, facts)})
            partial.chmod(0o644)  # It makes the file for its owner's eyes only.
    except OSError as error:
        raise ArtifactError(f"the file can't be written: {error.strerror}.", file=path) from None
    return path


def load_tensors(path: str | Path) -> tuple[Tensors, dict[str, str]]:
    """Reads what `save_tensors` wrote: the tensors, and the plain data.

    Raises:
        ArtifactError: There is no such file, it is another kind of file, or it is damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"this file can't be read: {error}.", file=path) from None
    if facts.pop(_SHA256, None) != _checksum(tensors, facts):
        raise ArtifactError("this file is not as it was written.", file=path)
    return tensors, facts


def _checksum(tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, str]) -> str:
    digest = hashlib.sha256(repr(sorted(facts.items())).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()
