"""Models side by side, on the same data and the same question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from foretaste.artifacts import Run, open_run
from foretaste.errors import ArtifactError, ForetasteError
from foretaste.evaluation import compare
from foretaste.pipeline._process import in_own_process
from foretaste.pipeline.config import InterestRunConfig, ModelSection, RunConfig
from foretaste.pipeline.run import Prepared, Tell, Trained, prepare, train

#: Files beside the runs of a comparison.
TABLE, ACCURACY, COST = "comparison.csv", "accuracy.png", "cost.png"

_CHECKPOINTS = ".checkpoints"

_Config = TypeVar("_Config", RunConfig, InterestRunConfig)


@dataclass(frozen=True)
class Compared:
    """What came of a comparison.

    Attributes:
        table: One row a model, best first, then those that failed: `model`, the metric with `low`
            and `high` (its 95% interval), `p_value` (that the best is no better than this one),
            `fit_seconds`, `peak_memory_mib`, `users_per_second` (lists made), `problem`.
        metric: The figure by which they are compared.
        fingerprint: Of the split.
        folder: Of the runs, the table and the pictures.
    """

    table: pl.DataFrame
    metric: str
    fingerprint: str
    folder: Path


def train_all(
    config: RunConfig, prepared: Prepared, models: Sequence[str], tell: Tell
) -> Iterator[Trained]:
    """Fits and measures the named models in turn, in this process."""
    for name in models:
        yield train(for_model(config, name), prepared, tell)


def for_model(config: RunConfig, name: str) -> RunConfig:
    """The configuration for another model: with its own settings if it is the one that `config`
    names, and with the defaults of any other.
    """
    section = config.model if name == config.model.name else ModelSection(name=name)
    return RunConfig.parse(config.plain() | {"model": section.model_dump()})


def compare_models(config: RunConfig, models: Sequence[str], folder: Path, tell: Tell) -> Compared:
    """Trains and measures models, each in a process of its own, and sets them side by side.

    A model whose run is in the folder already is not trained again, and one that was stopped goes
    on from its last epoch. A model that can't be trained on this data has its row say why.

    Args:
        config: Of the data, the split and what is measured.
        models: Names in `foretaste.models.MODELS`.
        folder: Where the runs, the table and the pictures are written.
        tell: Takes lines on how the work is going.

    Raises:
        ConfigError: There is no such model.
        DataError: The data can't be understood or is too small for the split.
        ArtifactError: A run in the folder is of other data or other settings.
    """
    configs = {name: for_model(config, name) for name in dict.fromkeys(models)}
    fingerprint = prepare(config, tell).split.fingerprint
    runs, problems = trained_apart(configs, folder, fingerprint, _train_and_save, tell)
    metric = f"NDCG@{max(config.evaluation.ks)}"
    table = pl.concat([_measured(runs, metric), failed(problems)], how="diagonal")
    _write(folder, runs, table, metric)
    return Compared(table, metric, fingerprint, folder)


def trained_apart(
    configs: Mapping[str, _Config],
    folder: Path,
    fingerprint: str,
    train_and_save: Callable[[_Config, Path], None],
    tell: Tell,
) -> tuple[dict[str, Run], dict[str, str]]:
    """Runs of these settings, each trained in a process of its own unless it is there already.

    Args:
        configs: Settings, by the name of the run.
        folder: Of the runs.
        fingerprint: Of the split that all are to be measured on.
        train_and_save: Makes one run folder.
        tell: Takes lines on how the work is going.

    Returns:
        The runs, and why there is none, by name.

    Raises:
        ArtifactError: A run in the folder is of other data or other settings.
    """
    runs: dict[str, Run] = {}
    problems: dict[str, str] = {}
    for name, config in configs.items():
        path = folder / name
        if not path.exists():
            tell(f"Training {name}")
            try:
                in_own_process(train_and_save, config, path)
            except ForetasteError as error:
                problems[name] = str(error)
                continue
        runs[name] = _checked(open_run(path), config, fingerprint)
    return runs, problems


def _train_and_save(config: RunConfig, path: Path) -> None:
    checkpoints = path.parent / _CHECKPOINTS
    done = train(config, prepare(config, silent), silent, checkpoints=checkpoints)
    done.save(path)


def silent(message: str) -> None:
    """Says nothing: the process that waits has said what there is to say."""


def _checked(run: Run, config: RunConfig | InterestRunConfig, fingerprint: str) -> Run:
    if run.config != config.plain() or run.split_fingerprint != fingerprint:
        raise ArtifactError(
            "this run is of other data or other settings than are to be compared.",
            file=run.path,
            hint="Choose another --name, or remove the run.",
        )
    return run


def _measured(runs: dict[str, Run], metric: str) -> pl.DataFrame:
    rows = []
    reports = {name: run.report for name, run in runs.items() if run.report is not None}
    best = max(reports.values(), key=lambda report: report.metric(metric).value, default=None)
    for name, report in reports.items():
        found = report.metric(metric)
        p_value = None
        if best is not None and report is not best:
            [difference] = compare(report, best, metrics=[metric]).differences
            p_value = difference.p_value
        rows.append(
            {
                "model": name,
                metric: found.value,
                "low": found.low,
                "high": found.high,
                "p_value": p_value,
                **runs[name].cost,
                "users_per_second": report.users / max(report.seconds, 1e-9),
            }
        )
    table = pl.DataFrame(rows)
    return table.sort(metric, descending=True) if rows else table


def failed(problems: dict[str, str]) -> pl.DataFrame:
    """A row for each model that could not be trained, with the reason."""
    columns = {"model": list(problems), "problem": list(problems.values())}
    return pl.DataFrame(columns, schema={"model": pl.String, "problem": pl.String})


def _write(folder: Path, runs: dict[str, Run], table: pl.DataFrame, metric: str) -> None:
    # Drawing takes a second to import.
    from foretaste.evaluation.plots import plot_comparison, plot_cost

    folder.mkdir(parents=True, exist_ok=True)
    partial_file = folder / f".{TABLE}.partial"
    table.write_csv(partial_file)
    partial_file.replace(folder / TABLE)
    shown = [(run.report, run.cost["fit_seconds"]) for run in runs.values() if run.report]
    if shown:
        reports, seconds = zip(*shown, strict=True)
        plot_comparison(reports, folder / ACCURACY)
        plot_cost(reports, seconds, folder / COST, metric)
