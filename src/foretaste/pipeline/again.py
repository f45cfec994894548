"""A saved run, measured again on the split it was made with."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from foretaste import artifacts
from foretaste.artifacts import Run
from foretaste.errors import ArtifactError
from foretaste.evaluation import EvaluationReport
from foretaste.evaluation.interest import InterestReport, evaluate_interest
from foretaste.pipeline.config import InterestRunConfig, RunConfig
from foretaste.pipeline.interest import prepare_interest
from foretaste.pipeline.run import Tell, divided, measure, prepare

_Config = TypeVar("_Config", RunConfig, InterestRunConfig)


def evaluate_again(
    folder: Path, tell: Tell, *, data: Path | None = None
) -> EvaluationReport | InterestReport:
    """Measures a saved model on the split it was made with, rebuilt from the data.

    Args:
        folder: The run folder.
        tell: Takes lines on how the work is going.
        data: Where the data lies now, if it has been moved.

    Raises:
        ArtifactError: The run is damaged or holds no configuration, or its data is gone or has
            changed.
    """
    saved = artifacts.open_run(folder)
    if not saved.config:
        raise ArtifactError(
            "the run was saved without its configuration, which says how to measure it.",
            file=folder,
            hint="Train it with 'foretaste train'.",
        )
    if saved.config.get("task") == "interest":
        return _interest_again(saved, tell, data)
    config = _with_data(RunConfig.parse(saved.config, file=folder / artifacts.CONFIG), saved, data)
    split = divided(config, prepare(config, tell), saved.model.item_vocabulary).split
    _check_same(split.fingerprint, saved, config.data.path)
    tell(f"Measuring {saved.model.name}")
    return measure(saved.model, split, config.evaluation)


def _interest_again(saved: Run, tell: Tell, data: Path | None) -> InterestReport:
    config = InterestRunConfig.parse(saved.config, file=saved.path / artifacts.CONFIG)
    config = _with_data(config, saved, data)
    parts = prepare_interest(config, tell)
    _check_same(parts.fingerprint, saved, config.data.path)
    tell("Measuring interest")
    return evaluate_interest(
        saved.interest, parts, histories=config.histories, threshold=config.threshold
    )


def _with_data(config: _Config, saved: Run, data: Path | None) -> _Config:
    """The settings of a run with its data where that lies now."""
    if data is not None:
        config = config.model_copy(update={"data": config.data.model_copy(update={"path": data})})
    if not config.data.path.exists():
        raise ArtifactError(
            f"the data of this run is not at {config.data.path}.",
            file=saved.path,
            hint="Say where it is with --data.",
        )
    return config


def _check_same(fingerprint: str, saved: Run, data: Path) -> None:
    if fingerprint != saved.split_fingerprint:
        raise ArtifactError(
            f"the data at {data}, or how it is read, has changed since this run: its "
            f"split is now {fingerprint[:12]}, and was {saved.split_fingerprint[:12]}.",
            file=saved.path,
            hint="Give the data as it was with --data, or train again.",
        )
