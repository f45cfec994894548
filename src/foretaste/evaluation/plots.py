"""Pictures of reports, drawn without a display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from foretaste.errors import InputError
from foretaste.evaluation.figures import ACCURACY
from foretaste.evaluation.report import ALL, EvaluationReport

if TYPE_CHECKING:
    from foretaste.training import TrainingHistory

_SIZE = (8.0, 4.5)
_DPI = 120

#: Seconds below which differences in cost are of no interest.
_SHORTEST = 0.01


def plot_comparison(
    reports: Sequence[EvaluationReport], path: str | Path, group: str = ALL
) -> Path:
    """Draws the accuracy of models side by side, with the intervals, at their longest common k.

    Args:
        reports: At least one, all of the same split.
        path: Where to write; the ending gives the format (.png, .svg, .pdf).
        group: Which targets.

    Raises:
        InputError: There is no report, they are of different splits or have no k in common.
    """
    k = max(_common_lengths(reports))
    names = [f"{name}@{k}" for name in ACCURACY]
    width = 0.8 / len(reports)
    figure = Figure(_SIZE, layout="constrained")
    axes = figure.add_subplot()
    for place, report in enumerate(reports):
        found = [report.metric(name, group) for name in names]
        values = np.array([estimate.value for estimate in found])
        ends = np.array([[estimate.low, estimate.high] for estimate in found]).T
        axes.bar(
            np.arange(len(names)) + width * (place - (len(reports) - 1) / 2),
            values,
            width,
            # The ends of a percentile interval need not lie on both sides of the value.
            yerr=np.abs(ends - values),
            capsize=2,
            label=report.model,
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_title(f"{_question(reports)}, {group} targets, 95% intervals", fontsize="medium")
    axes.legend()
    return write_picture(figure, Path(path))


def plot_exposure(reports: Sequence[EvaluationReport], path: str | Path) -> Path:
    """Draws how evenly models share their recommendations out among items: Lorenz curves.

    Args:
        reports: At least one, all of the same split.
        path: Where to write; the ending gives the format (.png, .svg, .pdf).

    Raises:
        InputError: There is no report or they are of different splits.
    """
    _common_lengths(reports)
    figure = Figure(_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted", label="all items alike")
    for report in reports:
        curve = report.exposure_curve
        axes.plot(np.linspace(0, 1, len(curve)), curve, label=report.model)
    axes.set_xlabel("share of the catalogue, least recommended first")
    axes.set_ylabel("share of recommendations")
    axes.set_title(_question(reports), fontsize="medium")
    axes.legend()
    return write_picture(figure, Path(path))


def plot_cost(
    reports: Sequence[EvaluationReport], seconds: Sequence[float], path: str | Path, metric: str
) -> Path:
    """Draws how good models are against how long they took to fit.

    Args:
        reports: At least one, all of the same split.
        seconds: Of fitting each.
        path: Where to write; the ending gives the format (.png, .svg, .pdf).
        metric: A figure that all reports have.

    Raises:
        InputError: There is no report, they are of different splits or lack the figure.
    """
    _common_lengths(reports)
    figure = Figure(_SIZE, layout="constrained")
    axes = figure.add_subplot()
    for report, took in zip(reports, seconds, strict=True):
        found = report.metric(metric)
        ends = np.abs(np.array([[found.low], [found.high]]) - found.value)
        axes.errorbar(max(took, _SHORTEST), found.value, ends, fmt="o", capsize=3)
        axes.annotate(
            report.model,
            (max(took, _SHORTEST), found.value),
            xytext=(6, 4),
            textcoords="offset points",
            fontsize="small",
        )
    axes.set_xscale("log")
    axes.set_xlabel("seconds to fit")
    axes.set_ylabel(metric)
    axes.set_title(f"{_question(reports)}, 95% intervals", fontsize="medium")
    return write_picture(figure, Path(path))


def plot_learning_curve(history: TrainingHistory, path: str | Path) -> Path:
    """Draws loss and validation metric by epoch, and marks the epoch whose weights were kept.

    Args:
        history: At least one epoch.
        path: Where to write; the ending gives the format (.png, .svg, .pdf).

    Raises:
        InputError: There is no epoch.
    """
    if not history.epochs:
        raise InputError("there is nothing to draw.", hint="Train for at least one epoch.")
    numbers = [epoch.number for epoch in history.epochs]
    figure = Figure(_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(numbers, [epoch.loss for epoch in history.epochs], "C0o-", markersize=3)
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss", color="C0")
    axes.axvline(history.best, color="grey", linestyle="dotted")
    if history.epochs[0].metric is not None:
        right = axes.twinx()
        metrics = [epoch.metric for epoch in history.epochs]
        right.plot(numbers, metrics, "C1o-", markersize=3)  # pyright: ignore - none is None
        right.set_ylabel("validation metric", color="C1")
    axes.set_title(f"the weights of epoch {history.best} were kept", fontsize="medium")
    return write_picture(figure, Path(path))


def _common_lengths(reports: Sequence[EvaluationReport]) -> set[int]:
    if not reports:
        raise InputError("there is nothing to draw.", hint="Give at least one report.")
    if len({(report.fingerprint, report.part) for report in reports}) > 1:
        raise InputError(
            "the reports are of different splits.", hint="Evaluate all models on the same split."
        )
    common = set.intersection(*(set(report.ks) for report in reports))
    if not common:
        raise InputError("the reports have no length of list in common.", field="ks")
    return common


def _question(reports: Sequence[EvaluationReport]) -> str:
    report = reports[0]
    return f"{report.part} of split {report.split} {report.fingerprint[:12]}"


def write_picture(figure: Figure, path: Path) -> Path:
    """Writes a picture that is either whole or not there."""
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        figure.savefig(temporary, dpi=_DPI)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
