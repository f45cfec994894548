"""Writing a run folder so that it is either whole or not there, and a model's state in it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import load_file, save_file

from foretaste.artifacts import provenance
from foretaste.artifacts.manifest import FORMAT, MANIFEST, Manifest, list_files, write_manifest
from foretaste.errors import ArtifactError
from foretaste.models import ModelState

CARD = "card.md"
MODEL = Path("model")
SETTINGS = MODEL / "settings.json"
_TENSORS = MODEL / "model.safetensors"
_TABLE = ".parquet"


@contextmanager
def new_folder(path: Path) -> Generator[Path]:
    """A folder beside `path` that does not outlive the block under this name."""
    folder = path.with_name(f".{path.name}-{secrets.token_hex(4)}.partial")
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise ArtifactError(f"the run can't be written: {error.strerror}.", file=path) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def refuse_what_is_there(path: Path, overwrite: bool) -> None:
    """Refuses a place that is taken, unless by a run that may go.

    Raises:
        ArtifactError: It is taken.
    """
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise ArtifactError(
            "there is something here already.",
            file=path,
            hint="Choose another name, or allow it to be overwritten.",
        )
    if not (path / MANIFEST).is_file():
        raise ArtifactError("what is here is no run, so it is not overwritten.", file=path)


def put(folder: Path, path: Path) -> None:
    """Renames `folder` to `path`; a run that was there is put aside first, then removed."""
    if not path.exists():
        folder.rename(path)
        return
    old = folder.with_suffix(".old")
    path.rename(old)
    try:
        folder.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old)


def write_state(folder: Path, state: ModelState) -> None:
    """Writes a model's state: settings, tensors and tables."""
    (folder / MODEL).mkdir()
    write_json(state.settings, folder / SETTINGS)
    # safetensors writes the bytes as they lie, and would mix up what is not in C order.
    tensors = {name: np.require(tensor, requirements="C") for name, tensor in state.tensors.items()}
    save_file(tensors, folder / _TENSORS)
    # It makes the file for its owner's eyes only; whoever may read the rest may read this.
    shutil.copymode(folder / SETTINGS, folder / _TENSORS)
    for name, table in state.tables.items():
        write_table(table, folder / MODEL / f"{name}{_TABLE}")


def write_json(values: Mapping[str, Any], path: Path) -> None:
    """Writes JSON for people and programs; NaN is refused."""
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Writes Parquet."""
    # As open files: Polars reads patterns and partitions into paths.
    with path.open("wb") as file:
        table.write_parquet(file)


def read_table(path: Path) -> pl.DataFrame:
    """Reads what `write_table` wrote."""
    with path.open("rb") as file:
        return pl.read_parquet(file)


def read_state(folder: Path, files: Iterable[str]) -> ModelState:
    """The model's state in a run folder.

    Args:
        folder: Of the run.
        files: All that it holds, by name.
    """
    names = (Path(name) for name in files)
    tables = [name for name in names if name.parent == MODEL and name.suffix == _TABLE]
    return ModelState(
        settings=json.loads((folder / SETTINGS).read_text("utf-8")),
        tensors=load_file(folder / _TENSORS),
        tables={name.stem: read_table(folder / name) for name in tables},
    )


def seal(
    folder: Path,
    *,
    model: str,
    seed: int | None,
    dataset_fingerprint: str | None,
    split_kind: str | None,
    split_fingerprint: str | None,
    card: Callable[[Manifest], str],
) -> None:
    """Writes the card and the manifest, which lists every file that is there.

    Args:
        folder: Where all other files lie already.
        model: The model's name.
        seed: What it was made with.
        dataset_fingerprint: Of the data it was made of.
        split_kind: How that was divided.
        split_fingerprint: Of the division.
        card: Writes the card, given all of this.
    """
    manifest = Manifest(
        format=FORMAT,
        model=model,
        created=datetime.now(UTC).replace(microsecond=0),
        seed=seed,
        dataset_fingerprint=dataset_fingerprint,
        split_kind=split_kind,
        split_fingerprint=split_fingerprint,
        git_commit=provenance.git_commit(),
        lock_sha256=provenance.lock_sha256(),
        versions=provenance.versions(),
        machine=provenance.machine(),
        files={},
    )
    (folder / CARD).write_text(card(manifest), "utf-8")
    write_manifest(folder, manifest.model_copy(update={"files": list_files(folder)}))
