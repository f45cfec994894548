"""A training in progress on disk, so that one that was killed goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_log = structlog.get_logger(__name__)

_KEY, _PLAIN = "key", "plain"


@dataclass(frozen=True)
class Checkpoint:
    """One file that holds the state after the last whole epoch.

    Attributes:
        path: The file.
        key: Says what is trained on what; a file with another key is not gone on from.
    """

    path: Path
    key: str

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and plain data as they were saved; None where there are none that fit."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                told = file.metadata() or {}
                if told.get(_KEY) != self.key:
                    _log.warning("checkpoint_is_of_another_training", path=str(self.path))
                    return None
                # A copy, as the file will be replaced below the tensors that lie in it.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
                return tensors, json.loads(told[_PLAIN])
        except (SafetensorError, OSError, KeyError, ValueError):
            _log.warning("checkpoint_is_damaged", path=str(self.path))
            return None

    def save(self, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Replaces what the file holds, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f"{self.path.name}.partial")
        whole = {
            name: torch.clone(t, memory_format=torch.contiguous_format)
            for name, t in tensors.items()
        }
        save_file(whole, partial, {_KEY: self.key, _PLAIN: json.dumps(plain)})
        partial.replace(self.path)

    def remove(self) -> None:
        """Deletes the file: the training has come to its end."""
        self.path.unlink(missing_ok=True)
