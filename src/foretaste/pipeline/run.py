"""A run: from a configuration to a trained, measured model in a folder, and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from foretaste import artifacts
from foretaste.data import CleaningReport, Dataset, Split, clean, read
from foretaste.errors import ArtifactError, ConfigError
from foretaste.evaluation import EvaluationReport, evaluate
from foretaste.models import Recommender
from foretaste.pipeline.config import EvaluationConfig, RunConfig, load_config

#: Takes one line on how the work is going.
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """Data that is read, cleaned and divided.

    Attributes:
        dataset: What is left after cleaning.
        cleaning: What cleaning took away.
        split: Training data and held-out targets.
    """

    dataset: Dataset
    cleaning: CleaningReport
    split: Split


@dataclass(frozen=True)
class Run:
    """A fitted and measured model.

    Attributes:
        config: What it was made from.
        prepared: The data it was made of.
        model: The fitted model; it remembers the held-out events too.
        report: How it did on the test targets.
        seconds: Wall time of fitting.
    """

    config: RunConfig
    prepared: Prepared
    model: Recommender
    report: EvaluationReport
    seconds: float

    def save(self, folder: Path) -> Path:
        """Writes the run folder.

        Raises:
            ArtifactError: There is such a folder already.
        """
        artifacts.save(
            self.model,
            folder,
            dataset=self.prepared.dataset,
            split=self.prepared.split,
            report=self.report,
            config=self.config.plain(),
        )
        return folder


def prepare(config: RunConfig, tell: Tell) -> Prepared:
    """Reads, cleans and divides the data.

    Raises:
        DataError: The data can't be understood or is too small for the split.
    """
    tell(f"Reading {config.data.path}")
    dataset, cleaning = clean(read(config.data), config.data.cleaning)
    split = dataset.split(config.split.kind, **config.split.options)
    return Prepared(dataset, cleaning, split)


def run(config: RunConfig, prepared: Prepared, tell: Tell) -> Run:
    """Fits the configured model to prepared data and measures it."""
    model = config.build_model()
    tell(f"Training {model.name}")
    started = time.perf_counter()
    model.fit(prepared.split.train, validation=prepared.split.validation)
    seconds = time.perf_counter() - started
    tell(f"Measuring {model.name}")
    report = measure(model, prepared.split, config.evaluation)
    model.remember(prepared.dataset)
    return Run(config, prepared, model, report, seconds)


def measure(model: Recommender, split: Split, config: EvaluationConfig) -> EvaluationReport:
    """Evaluates on the test targets, as configured."""
    return evaluate(model, split, ks=config.ks, resamples=config.resamples, seed=config.seed)


def evaluate_again(folder: Path, tell: Tell, *, data: Path | None = None) -> EvaluationReport:
    """Measures a saved model on the split it was made with, rebuilt from the data.

    Args:
        folder: The run folder.
        tell: Takes lines on how the work is going.
        data: Where the data lies now, if it has been moved.

    Raises:
        ArtifactError: The run holds no configuration, or its data is gone or has changed.
    """
    saved = artifacts.open_run(folder)
    path = folder / artifacts.CONFIG
    try:
        config = load_config(path, [] if data is None else [f"data.path={data.resolve()}"])
    except ConfigError as error:
        raise ArtifactError(
            f"the run can't be evaluated without its configuration: {error.message}", file=path
        ) from None
    if not config.data.path.exists():
        raise ArtifactError(
            f"the data of this run is no longer at {config.data.path}.",
            file=folder,
            hint="Say where it is with --data.",
        )
    split = prepare(config, tell).split
    if split.fingerprint != saved.split_fingerprint:
        raise ArtifactError(
            f"the data at {config.data.path} has changed since this run: its split is now "
            f"{split.fingerprint[:12]}, and was {saved.split_fingerprint[:12]}.",
            file=folder,
            hint="Give the data as it was with --data, or train again.",
        )
    tell(f"Measuring {saved.model.name}")
    return measure(saved.model, split, config.evaluation)
