"""Run folders: a fitted model with everything needed to use it, judge it and repeat it.

    manifest.json           what the folder holds and was made of, with a checksum of every file
    card.md                 the model card, for people
    config.yaml             the settings of the run
    metrics.json            what was measured; per_user_metrics.parquet the same person by person
    interest.json           what was measured of an interest model, in place of those two;
                            answers.parquet what it said of every test pair
    cost.json               what fitting took: seconds and peak memory
    training.json           the learning curve, of models that are trained in epochs
    items.parquet           the catalogue
    plots/*.png             pictures of the metrics
    model/                  the model: settings, tensors (safetensors) and tables (Parquet)
    index/                  an index of the model's item vectors, of large catalogues

Nothing is pickled: reading a folder never runs code from it. What comes later is told in
`foretaste.artifacts.later`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import yaml
from safetensors import SafetensorError

from foretaste.artifacts.card import write_card
from foretaste.artifacts.folder import (
    MODEL,
    SETTINGS,
    new_folder,
    put,
    read_state,
    read_table,
    refuse_what_is_there,
    seal,
    write_json,
    write_state,
    write_table,
)
from foretaste.artifacts.manifest import Manifest, verify
from foretaste.data import Dataset, Split
from foretaste.errors import ArtifactError, InputError
from foretaste.evaluation import EvaluationReport
from foretaste.models import MODELS, Recommender

if TYPE_CHECKING:
    from foretaste.evaluation.interest import InterestReport
    from foretaste.models.interest import InterestModel
    from foretaste.ranking.index import VectorIndex
    from foretaste.training import TrainingHistory

CONFIG = "config.yaml"
METRICS = "metrics.json"
INTEREST = "interest.json"
ANSWERS = "answers.parquet"
PER_USER = "per_user_metrics.parquet"
COST = "cost.json"
TRAINING = "training.json"
ITEMS = "items.parquet"
INDEX = Path("index")
_PLOTS = Path("plots")


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
            return EvaluationReport.from_dict(values, read_table(self.path / PER_USER))

    @cached_property
    def cost(self) -> dict[str, float]:
        """What fitting took, as it was saved; empty where it was saved without."""
        with self._reading(COST) as path:
            return json.loads(path.read_text("utf-8")) if path else {}

    @cached_property
    def items(self) -> pl.DataFrame:
        """The catalogue, one row an item; only ids where it was saved without the data set."""
        with self._reading(ITEMS) as path:
            return read_table(path or self.path / MODEL / "item_ids.parquet")

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
                hint=f"It knows: {', '.join(MODELS)}; 'interest' answers to foretaste predict.",
            )
        with self._reading(str(SETTINGS)):
            return MODELS[name].from_state(read_state(self.path, self.manifest.files))

    @cached_property
    def index(self) -> VectorIndex | None:
        """The index of the model's item vectors; `None` where it was saved without.

        Raises:
            ArtifactError: It can't be understood.
            MissingExtraError: It is an inverted index, and FAISS is not installed.
        """
        if not any(Path(name).parent == INDEX for name in self.manifest.files):
            return None
        from foretaste.ranking.index import load_index

        return load_index(self.path / INDEX)

    @cached_property
    def interest(self) -> InterestModel:
        """The fitted interest model.

        Raises:
            ArtifactError: The run holds a recommender, or its files can't be understood.
        """
        from foretaste.models.interest import InterestModel

        if self.manifest.model != InterestModel.name:
            raise ArtifactError(
                f"the run holds a recommender, '{self.manifest.model}', which ranks items and "
                "gives no probabilities.",
                file=self.path,
                hint="Train with 'task: interest' in the configuration.",
            )
        with self._reading(str(SETTINGS)):
            return InterestModel.from_state(read_state(self.path, self.manifest.files))

    @cached_property
    def interest_report(self) -> InterestReport | None:
        """What was measured of an interest model; `None` where it was saved without."""
        from foretaste.evaluation.interest import InterestReport

        with self._reading(INTEREST) as path:
            if path is None:
                return None
            values = json.loads(path.read_text("utf-8"))
            return InterestReport.from_dict(values, read_table(self.path / ANSWERS))

    def gone_on(self, model: Recommender, items: pl.DataFrame, index: VectorIndex | None) -> Run:
        """The run with what its model and catalogue have become since, of which its files lag.

        Args:
            model: It has taken in items since, or forgotten people.
            items: The catalogue, one row an item.
            index: Of the model's item vectors; None where there is none.
        """
        other = Run(self.path, self.manifest)
        vars(other).update(config=self.config, model=model, items=items, index=index)
        return other

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
    index: VectorIndex | None = None,
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
        index: Of the model's item vectors.
        overwrite: Whether a run that is at `path` may go; it does when the new one is whole.

    Returns:
        `path`.

    Raises:
        ArtifactError: There is something at `path` already (that is no run, with `overwrite`), or
            the run can't be written.
        NotFittedError: The model has not been fitted.
    """
    path = Path(path)
    refuse_what_is_there(path, overwrite)
    with new_folder(path) as folder:
        _write(folder, model, dataset, split, report, config, cost)
        if index is not None:
            _write_index(folder, index)
        seal(
            folder,
            model=model.name,
            seed=getattr(model.config, "seed", None),
            dataset_fingerprint=dataset.fingerprint if dataset else None,
            split_kind=split.kind if split else None,
            split_fingerprint=split.fingerprint if split else None,
            card=lambda manifest: write_card(model, manifest, dataset, split, report),
        )
        put(folder, path)
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
    write_state(folder, model.state())
    if model.training_history is not None:
        write_training(folder, model.training_history)
    if dataset is not None:
        write_table(dataset.items, folder / ITEMS)
    if config is not None:
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        (folder / CONFIG).write_text(text, "utf-8")
    if report is not None:
        _write_report(folder, report)
    if cost is not None:
        write_json(cost, folder / COST)


def _write_index(folder: Path, index: VectorIndex) -> None:
    from foretaste.ranking.index import save_index

    save_index(index, folder / INDEX)


def _write_report(folder: Path, report: EvaluationReport) -> None:
    # Drawing takes a second to import.
    from foretaste.evaluation.plots import plot_comparison, plot_exposure

    write_json(report.to_dict(), folder / METRICS)
    write_table(report.per_user, folder / PER_USER)
    plot_comparison([report], folder / _PLOTS / "accuracy.png")
    plot_exposure([report], folder / _PLOTS / "exposure.png")


def write_training(folder: Path, history: TrainingHistory) -> None:
    """Writes and draws a learning curve."""
    from foretaste.evaluation.plots import plot_learning_curve

    write_json(asdict(history), folder / TRAINING)
    plot_learning_curve(history, folder / _PLOTS / "learning_curve.png")
