"""Models that several cells of a study read, made by the first that asks."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import foretaste
from harness import write_json

#: Not under version control; may be removed at any time.
FOLDER = Path(__file__).parents[1] / ".shelf"
#: Beside a model, what making it told and how long it took.
_TOLD = "told.json"


class Shelf:
    """A folder of trained models, by what they were made of and by the code that made them.

    Attributes:
        spared_seconds: What others spent on making the models that were found here.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.spared_seconds = 0.0
        self._folder = folder

    def get(
        self, made_of: Mapping[str, Any], make: Callable[[Path], Mapping[str, Any] | None]
    ) -> tuple[Path, dict[str, Any]]:
        """A model, made if there is none yet.

        Args:
            made_of: All that makes a difference, as plain data.
            make: Writes the model to a folder that is not there yet, and may tell of it.

        Returns:
            The folder of the model, which is not to be changed, and what `make` told.
        """
        told_of = json.dumps([dict(made_of), _code()], sort_keys=True)
        kept = self._folder / sha256(told_of.encode()).hexdigest()[:24]
        if kept.exists():
            told = json.loads((kept / _TOLD).read_text())
            self.spared_seconds += told["seconds"]
        else:
            told = self._make(kept, make)
        return kept / "model", told["told"]

    def _make(self, kept: Path, make: Callable[[Path], Mapping[str, Any] | None]) -> dict[str, Any]:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(dir=self._folder, prefix=".draft-"))
        try:
            started = time.perf_counter()
            told = dict(make(draft / "model") or {})
            whole = {"told": told, "seconds": time.perf_counter() - started}
            write_json(draft / _TOLD, whole)
            draft.rename(kept)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return whole


def _code() -> str:
    """The package's source: a model of other code is another model."""
    package = Path(foretaste.__file__).parent
    found = sha256()
    for file in sorted(package.rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()
