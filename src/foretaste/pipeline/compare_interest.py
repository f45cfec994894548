"""Interest models side by side, asked about the same pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from foretaste.artifacts import Run, open_run
from foretaste.errors import ArtifactError, InputError
from foretaste.evaluation import Comparison, compare
from foretaste.evaluation.interest import InterestReport
from foretaste.evaluation.interest_comparison import (
    InterestComparison,
    InterestDifference,
    compare_interest,
    differences,
)
from foretaste.models.interest.bodies import OF_SEVERAL_GOALS
from foretaste.pipeline.compare import TABLE, failed, silent, trained_apart
from foretaste.pipeline.config import InterestRunConfig
from foretaste.pipeline.interest import prepare_interest, train_interest
from foretaste.pipeline.run import Tell

#: Bodies that are compared where none are named.
USUAL = ("lr", "mlp", "din", "trees")


@dataclass(frozen=True)
class ComparedInterest:
    """What came of a comparison.

    Attributes:
        table: One row a goal and model, each goal's best first, then the models that failed:
            `goal`, `model`, `figure` ("auc", of a rating "mae"), `value` with `low` and `high`
            (its 95% interval), `behind` (the best model's value less this one's) with
            `behind_low` and `behind_high`, null of the best; `fit_seconds`, `peak_memory_mib`,
            `problem`.
        history: What was known when the pairs were asked about.
        fingerprint: Of the split.
        folder: Of the runs and the table.
    """

    table: pl.DataFrame
    history: str
    fingerprint: str
    folder: Path


def compare_bodies(
    config: InterestRunConfig, bodies: Sequence[str] | None, folder: Path, tell: Tell
) -> ComparedInterest:
    """Trains and measures interest models, each in a process of its own.

    A model whose run is in the folder already is not trained again. One that can't be trained on
    this data has its row say why.

    Args:
        config: Of the data, the split, the question and the settings of models.
        bodies: Names of bodies, with ``+`` between several that are one model; by default some
            that can answer the question.
        folder: Where the runs and the table are written.
        tell: Takes lines on how the work is going.

    Raises:
        ConfigError: There is no such body, or it can't answer the question.
        DataError: The data can't be understood.
        ArtifactError: A run in the folder is of other data or other settings.
    """
    usual = OF_SEVERAL_GOALS if config.model.question.goals else USUAL
    configs = {name: _with_bodies(config, name) for name in dict.fromkeys(bodies or usual)}
    fingerprint = prepare_interest(config, tell).fingerprint
    runs, problems = trained_apart(configs, folder, fingerprint, _train_and_save, tell)
    history = config.histories[-1]
    table = pl.concat([_measured(runs, history), failed(problems)], how="diagonal")
    folder.mkdir(parents=True, exist_ok=True)
    table.write_csv(folder / TABLE)
    return ComparedInterest(table, history, fingerprint, folder)


def compare_runs(first: Path, second: Path) -> Comparison | InterestComparison:
    """What differs between two saved runs of the same question, with intervals.

    Args:
        first: The run folder to compare with.
        second: The run folder to compare.

    Raises:
        ArtifactError: A run is damaged, or was saved without what was measured.
        InputError: The runs answer different questions.
    """
    one, other = open_run(first), open_run(second)
    asked = [run.manifest.model == "interest" for run in (one, other)]
    if asked[0] != asked[1]:
        raise InputError(
            "one run recommends and the other says how likely interest is: they can't be compared.",
            file=second,
        )
    if asked[0]:
        return compare_interest(_interest_report(one), _interest_report(other))
    reports = [run.report for run in (one, other)]
    if reports[0] is None or reports[1] is None:
        raise _not_measured(one if reports[0] is None else other)
    return compare(reports[0], reports[1])


def _with_bodies(config: InterestRunConfig, name: str) -> InterestRunConfig:
    values = config.plain()
    values["model"] = {**values.get("model", {}), "bodies": name.split("+")}
    return InterestRunConfig.parse(values)


def _train_and_save(config: InterestRunConfig, path: Path) -> None:
    train_interest(config, path, silent)


def _interest_report(run: Run) -> InterestReport:
    if run.interest_report is None:
        raise _not_measured(run)
    return run.interest_report


def _not_measured(run: Run) -> ArtifactError:
    return ArtifactError(
        "the run was saved without what was measured.",
        file=run.path,
        hint="Train it with 'foretaste train'.",
    )


def _measured(runs: Mapping[str, Run], history: str) -> pl.DataFrame:
    """Each model against the best of its goal."""
    reports = {name: _interest_report(run) for name, run in runs.items()}
    rows: list[dict[str, Any]] = []
    for goal in next(iter(reports.values())).goals if reports else ():
        figure = "mae" if goal.rating else "auc"
        values = {name: report.figure(history, goal, figure) for name, report in reports.items()}
        known = {name: value for name, value in values.items() if value is not None}
        order = sorted(known, key=lambda name: known[name], reverse=not goal.rating)
        for name in order:
            found = differences(reports[name], reports[order[0]], goal, history)[0]
            rows.append(_row(name, found, best=name == order[0]) | runs[name].cost)
    return pl.DataFrame(rows)


def _row(name: str, found: InterestDifference, *, best: bool) -> dict[str, Any]:
    behind = found.difference
    return {
        "goal": found.goal,
        "model": name,
        "figure": found.figure,
        "value": found.first.value,
        "low": found.first.low,
        "high": found.first.high,
        "behind": None if best else behind.value,
        "behind_low": None if best else behind.low,
        "behind_high": None if best else behind.high,
    }
