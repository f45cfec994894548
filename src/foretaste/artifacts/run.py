"""Run folders: a fitted model with everything needed to use it, judge it and repeat it.

    manifest.json           what the folder holds and was made of, with a checksum of every file
    card.md                 the model card, for people
    config.yaml             the settings of the run
    metrics.json            what was measured; per_user_metrics.parquet the same person by person
    cost.json               what fitting took: seconds and peak memory
    training.json           the learning curve, of models that are trained in epochs
    items.parquet           the catalogue
    plots/*.png             pictures of the metrics
    model/                  the model: settings, tensors (safetensors) and tables (Parquet)

Nothing is pickled: reading a folder never runs code from it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import yaml
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from foretaste.artifacts import provenance
from foretaste.artifacts.card import write_card
from foretaste.artifacts.manifest import (
    FORMAT,
    MANIFEST,
    Manifest,
    list_files,
    verify,
    write_manifest,
)
from foretaste.data import Dataset, Split
from foretaste.errors import ArtifactError, InputError
from foretaste.evaluation import EvaluationReport
from foretaste.models import MODELS, ModelState, Recommender

if TYPE_CHECKING:
    from foretaste.training import TrainingHistory

CARD = "card.md"
CONFIG = "config.yaml"
METRICS = "metrics.json"
PER_USER = "per_user_metrics.parquet"
COST = "cost.json"
TRAINING = "training.json"
ITEMS = "items.parquet"
_MODEL = Path("model")
_TENSORS = _MODEL / "model.safetensors"
_SETTINGS = _MODEL / "settings.json"
_PLOTS = Path("plots")
_TABLE = ".parquet"


@dataclass(frozen=True)
class Run:
    """A run folder that was found whole. Its parts are read when they are asked for.

    Attributes:
        path: The folder.
        manifest: What it holds and was made of.
    """

    path: Path
    manifest: Manifest

    @property
    def split_fingerprint(self) -> str:
        """Of the split that the model was trained and measured on.

        Raises:
            ArtifactError: The run was saved without its split.
        """
        if self.manifest.split_fingerprint is None:
            raise ArtifactError("the run was saved without its split.", file=self.path)
        return self.manifest.split_fingerprint

    @cached_property
    def config(self) -> dict[str, Any]:
        """The settings of the run; empty where it was saved without."""
        with self._reading(CONFIG) as path:
            return yaml.safe_load(path.read_text("utf-8")) if path else {}

    @cached_property
    def report(self) -> EvaluationReport | None:
        """What was measured; `None` where it was saved without."""
        with self._reading(METRICS) as path:
            if path is None:
                return None
            values = json.loads(path.read_text("utf-8"))
            return EvaluationReport.from_dict(values, _read_table(self.path / PER_USER))

    @cached_property
    def cost(self) -> dict[str, float]:
        """What fitting took, as it was saved; empty where it was saved without."""
        with self._reading(COST) as path:
            return json.loads(path.read_text("utf-8")) if path else {}

    @cached_property
    def items(self) -> pl.DataFrame:
        """The catalogue, one row an item; only ids where it was saved without the data set."""
        with self._reading(ITEMS) as path:
            return _read_table(path or self.path / _MODEL / "item_ids.parquet")

    @cached_property
    def model(self) -> Recommender:
        """The fitted model.

        Raises:
            ArtifactError: This version has no such model, or can't rebuild it from the files.
        """
        name = self.manifest.model
        if name not in MODELS:
            raise ArtifactError(
                f"the run holds a model '{name}', which this version does not know.",
                file=self.path,
                hint=f"It knows: {', '.join(MODELS)}.",
            )
        with self._reading(str(_SETTINGS)):
            return MODELS[name].from_state(self._state())

    def _state(self) -> ModelState:
        names = (Path(name) for name in self.manifest.files)
        tables = [name for name in names if name.parent == _MODEL and name.suffix == _TABLE]
        return ModelState(
            settings=json.loads((self.path / _SETTINGS).read_text("utf-8")),
            tensors=load_file(self.path / _TENSORS),
            tables={name.stem: _read_table(self.path / name) for name in tables},
        )

    @contextmanager
    def _reading(self, name: str) -> Generator[Path | None]:
        """Gives the path of a file of the run, `None` where it has no such file."""
        path = self.path / name
        try:
            yield path if name in self.manifest.files else None
        except _READING_ERRORS as error:
            raise ArtifactError(
                f"this part of the run can't be understood: {type(error).__name__}: {error}.",
                file=path,
                hint="Load it with the version of foretaste that the manifest names.",
            ) from error


#: What reading files that are whole but hold the wrong things can raise.
_READING_ERRORS = (
    InputError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    SafetensorError,
    pl.exceptions.PolarsError,
    yaml.YAMLError,
)


def save(
    model: Recommender,
    path: str | Path,
    *,
    dataset: Dataset | None = None,
    split: Split | None = None,
    report: EvaluationReport | None = None,
    config: Mapping[str, Any] | None = None,
    cost: Mapping[str, float] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a run folder: under another name beside its place, and renamed when it is whole.

    Args:
        model: A fitted model.
        path: The folder to make.
        dataset: What the split was made from; its catalogue is saved.
        split: What the model was trained and measured on.
        report: What was measured.
        config: Settings of the run, plain values.
        cost: What fitting took, by name.
        overwrite: Whether a run that is at `path` may go; it does when the new one is whole.

    Returns:
        `path`.

    Raises:
        ArtifactError: There is something at `path` already (that is no run, with `overwrite`), or
            the run can't be written.
        NotFittedError: The model has not been fitted.
    """
    path = Path(path)
    _refuse_what_is_there(path, overwrite)
    with _new_folder(path) as folder:
        _write(folder, model, dataset, split, report, config, cost)
        _seal(folder, model, dataset, split, report)
        _put(folder, path)
    return path


def open_run(path: str | Path) -> Run:
    """Opens a run folder, every file of it verified.

    Raises:
        ArtifactError: It is no run, is damaged, incomplete or of a newer format.
    """
    path = Path(path)
    return Run(path, verify(path))


def load(path: str | Path) -> Recommender:
    """The model of a run folder; its answers equal those of the model that was saved.

    Raises:
        ArtifactError: As `open_run`, or this version can't rebuild the model.
    """
    return open_run(path).model


@contextmanager
def _new_folder(path: Path) -> Generator[Path]:
    """A folder beside `path` that does not outlive the block under this name."""
    folder = path.with_name(f".{path.name}-{secrets.token_hex(4)}.partial")
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise ArtifactError(f"the run can't be written: {error.strerror}.", file=path) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_what_is_there(path: Path, overwrite: bool) -> None:
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


def _put(folder: Path, path: Path) -> None:
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


def _write(
    folder: Path,
    model: Recommender,
    dataset: Dataset | None,
    split: Split | None,
    report: EvaluationReport | None,
    config: Mapping[str, Any] | None,
    cost: Mapping[str, float] | None,
) -> None:
    (folder / _PLOTS).mkdir()
    _write_state(folder, model.state())
    if model.training_history is not None:
        _write_training(folder, model.training_history)
    if dataset is not None:
        _write_table(dataset.items, folder / ITEMS)
    if config is not None:
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        (folder / CONFIG).write_text(text, "utf-8")
    if report is not None:
        _write_report(folder, report)
    if cost is not None:
        _write_json(cost, folder / COST)


def _seal(
    folder: Path,
    model: Recommender,
    dataset: Dataset | None,
    split: Split | None,
    report: EvaluationReport | None,
) -> None:
    """Writes the card and the manifest, which lists every file that is there."""
    manifest = Manifest(
        format=FORMAT,
        model=model.name,
        created=datetime.now(UTC).replace(microsecond=0),
        seed=getattr(model.config, "seed", None),
        dataset_fingerprint=dataset.fingerprint if dataset else None,
        split_kind=split.kind if split else None,
        split_fingerprint=split.fingerprint if split else None,
        git_commit=provenance.git_commit(),
        lock_sha256=provenance.lock_sha256(),
        versions=provenance.versions(),
        machine=provenance.machine(),
        files={},
    )
    card = write_card(model, manifest, dataset, split, report)
    (folder / CARD).write_text(card, "utf-8")
    write_manifest(folder, manifest.model_copy(update={"files": list_files(folder)}))


def _write_report(folder: Path, report: EvaluationReport) -> None:
    # Drawing takes a second to import.
    from foretaste.evaluation.plots import plot_comparison, plot_exposure

    _write_json(report.to_dict(), folder / METRICS)
    _write_table(report.per_user, folder / PER_USER)
    plot_comparison([report], folder / _PLOTS / "accuracy.png")
    plot_exposure([report], folder / _PLOTS / "exposure.png")


def _write_training(folder: Path, history: TrainingHistory) -> None:
    from foretaste.evaluation.plots import plot_learning_curve

    _write_json(asdict(history), folder / TRAINING)
    plot_learning_curve(history, folder / _PLOTS / "learning_curve.png")


def _write_state(folder: Path, state: ModelState) -> None:
    (folder / _MODEL).mkdir()
    _write_json(state.settings, folder / _SETTINGS)
    # safetensors writes the bytes as they lie, and would mix up what is not in C order.
    tensors = {name: np.require(tensor, requirements="C") for name, tensor in state.tensors.items()}
    save_file(tensors, folder / _TENSORS)
    # It makes the file for its owner's eyes only; whoever may read the rest may read this.
    shutil.copymode(folder / _SETTINGS, folder / _TENSORS)
    for name, table in state.tables.items():
        _write_table(table, folder / _MODEL / f"{name}{_TABLE}")


def _write_json(values: Mapping[str, Any], path: Path) -> None:
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def _write_table(table: pl.DataFrame, path: Path) -> None:
    # As open files: Polars reads patterns and partitions into paths.
    with path.open("wb") as file:
        table.write_parquet(file)


def _read_table(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:
        return pl.read_parquet(file)
