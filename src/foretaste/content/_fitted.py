"""What encoders share that learn from a catalogue before they encode: their state, on disk."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from foretaste.errors import ArtifactError, NotFittedError

Array = NDArray[Any]
_KEY = "made by"


class FittedEncoder(ABC):
    """An encoder with a state: `fit`, then `encode`; `save` after it, `load` in place of it."""

    def __init__(self) -> None:
        self._tensors: dict[str, Array] | None = None

    @abstractmethod
    def _settings(self) -> tuple[object, ...]:
        """All that the state was made with, settings and fingerprints of other encoders."""

    @abstractmethod
    def _use(self, tensors: Mapping[str, Array]) -> None:
        """Makes ready to encode by a state."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the settings and of what was learnt.

        Raises:
            NotFittedError: Nothing was yet.
        """
        digest = hashlib.sha256(self._key.encode())
        for name, tensor in sorted(self._fitted().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor).tobytes())
        return digest.hexdigest()

    def save(self, path: str | Path) -> None:
        """Writes what was learnt into a safetensors file.

        Raises:
            NotFittedError: Nothing was yet.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        tensors = {name: np.ascontiguousarray(t) for name, t in self._fitted().items()}
        safetensors.numpy.save_file(tensors, partial, {_KEY: self._key})
        partial.replace(path)

    def load(self, path: str | Path) -> Self:
        """Takes back what `save` wrote, in place of `fit`.

        Raises:
            ArtifactError: The file is missing or damaged, or was made with other settings or
                other encoders.
        """
        try:
            with safe_open(path, framework="np") as file:
                told = (file.metadata() or {}).get(_KEY)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise ArtifactError(f"it can't be read: {error}.", file=path) from None
        if told != self._key:
            raise ArtifactError(
                "it was made with other settings, or on the vectors of another model.",
                file=path,
                hint="Build the encoder as it was, or fit again.",
            )
        self._take(tensors)
        return self

    def _take(self, tensors: Mapping[str, Array]) -> None:
        self._use(tensors)
        self._tensors = dict(tensors)

    def _fitted(self) -> dict[str, Array]:
        if self._tensors is None:
            raise NotFittedError(type(self).__name__)
        return self._tensors

    @property
    def _key(self) -> str:
        told = repr((type(self).__name__, *self._settings()))
        return hashlib.sha256(told.encode()).hexdigest()


def filled(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool[n]: which rows say anything at all."""
    return np.asarray(vectors.any(axis=1))
