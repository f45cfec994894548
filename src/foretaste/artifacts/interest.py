"""The run folder of an interest model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from foretaste.artifacts.folder import (
    new_folder,
    put,
    refuse_what_is_there,
    seal,
    write_json,
    write_state,
    write_table,
)
from foretaste.artifacts.manifest import Manifest
from foretaste.artifacts.run import ANSWERS, CONFIG, COST, INTEREST, ITEMS, write_training
from foretaste.evaluation.interest import InterestReport
from foretaste.models.interest import InterestModel, Parts

_PLOTS = Path("plots")


def save_interest(
    model: InterestModel,
    path: str | Path,
    *,
    parts: Parts,
    report: InterestReport | None = None,
    config: Mapping[str, Any] | None = None,
    cost: Mapping[str, float] | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a run folder: under another name beside its place, and renamed when it is whole.

    Args:
        model: A fitted model; of people it keeps what it remembers.
        path: The folder to make.
        parts: What it was fitted and measured on.
        report: What was measured.
        config: Settings of the run, plain values.
        cost: What fitting took, by name.
        overwrite: Whether a run that is at `path` may go; it does when the new one is whole.

    Returns:
        `path`.

    Raises:
        ArtifactError: There is something at `path` already, or the run can't be written.
        NotFittedError: The model has not been fitted.
    """
    path = Path(path)
    refuse_what_is_there(path, overwrite)
    with new_folder(path) as folder:
        (folder / _PLOTS).mkdir()
        write_state(folder, model.state())
        if model.training_history is not None:
            write_training(folder, model.training_history)
        write_table(parts.train.items, folder / ITEMS)
        if config is not None:
            text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
            (folder / CONFIG).write_text(text, "utf-8")
        if report is not None:
            write_json(report.to_dict(), folder / INTEREST)
            write_table(report.answers, folder / ANSWERS)
            _draw(report, folder / _PLOTS)
        if cost is not None:
            write_json(cost, folder / COST)
        seal(
            folder,
            model=model.name,
            seed=model.config.seed,
            dataset_fingerprint=parts.train.fingerprint,
            split_kind=parts.kind,
            split_fingerprint=parts.fingerprint,
            card=lambda manifest: _card(model, manifest, parts, report),
        )
        put(folder, path)
    return path


def _draw(report: InterestReport, folder: Path) -> None:
    """Pictures of each goal that is no rating, with the last of the histories known."""
    from foretaste.evaluation.interest_plots import plot_precision, plot_reliability, plot_roc

    history = list(report.histories)[-1]
    for goal in report.goals:
        labels, said = report.labels_and_answers(history, goal)
        if goal.rating or len(np.unique(labels)) < 2:
            continue
        of_goal = f"-{goal.name}" if len(report.goals) > 1 else ""
        plot_roc(labels, said, folder / f"roc{of_goal}.png")
        plot_precision(labels, said, folder / f"precision{of_goal}.png")
        plot_reliability(labels, said, folder / f"reliability{of_goal}.png")


def _card(
    model: InterestModel, manifest: Manifest, parts: Parts, report: InterestReport | None
) -> str:
    """The model card, in Markdown."""
    sizes = [len(part) for part in (parts.train, parts.validation, parts.test)]
    means = ", ".join(
        f"{parts.train.events[goal.label].mean():.4f} ({goal.name})" for goal in model.goals
    )
    sections = {
        "Data": f"{sizes[0]:,} pairs to learn from, {sizes[1]:,} to choose and calibrate by, "
        f"{sizes[2]:,} to report on; {parts.kind} split `{parts.fingerprint}`. Mean labels: "
        f"{means}.",
        "How well it does": "Not measured." if report is None else f"```\n{report}\n```",
        "Intended use": "To say how likely a person is to act on an item of this catalogue. It "
        "should not decide about people (credit, work, housing, health).",
        "Limits": "Probabilities were calibrated on the time of the validation pairs; where habits "
        "change they drift, and a reliability curve on newer labels tells.",
        "Privacy": "The folder holds ids of people and what each acted on: keep it as carefully "
        "as the log itself.",
        "Settings": f"```json\n{model.config.model_dump_json(indent=2)}\n```",
    }
    title = (
        f"# Model card: interest ({', '.join(model.config.bodies)})\n\nMade on "
        f"{manifest.created:%d %B %Y} by foretaste {manifest.versions['foretaste']}.\n"
    )
    return title + "".join(f"\n## {name}\n\n{text}\n" for name, text in sections.items())
