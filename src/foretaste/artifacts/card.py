"""The model card: what people should know before they use a run (Mitchell et al., 2019)."""

from __future__ import annotations

from collections.abc import Iterable

from foretaste.artifacts.manifest import Manifest
from foretaste.data import Dataset, Split
from foretaste.evaluation import EvaluationReport
from foretaste.models import Recommender

_INTENDED = """\
To rank the items of this catalogue for people whose actions on it are known, or who have just
begun to act. It orders items; it does not say that an item suits, is safe or is fair to its
maker, and it should not decide about people (credit, work, housing, health)."""

_PRIVACY = """\
The folder holds ids of people and the items each acted on: keep it as carefully as the log
itself. Ids are as they were given."""


def write_card(
    model: Recommender,
    manifest: Manifest,
    dataset: Dataset | None,
    split: Split | None,
    report: EvaluationReport | None,
) -> str:
    """The card of a run, in Markdown; what was not given is said to be unknown."""
    sections = {
        "Data": _data(dataset, manifest),
        "Split": _split(split),
        "How well it does": _results(report),
        "Intended use": _INTENDED,
        "Limits": _bullets(_limits(model, dataset, report)),
        "Privacy": _PRIVACY,
        "Settings": _fenced(model.config.model_dump_json(indent=2)),
    }
    title = f"# Model card: {model.name}\n\n{_origin(manifest)}\n"
    return title + "".join(f"\n## {name}\n\n{text}\n" for name, text in sections.items())


def _origin(manifest: Manifest) -> str:
    code = f", commit `{manifest.git_commit}`" if manifest.git_commit else ""
    seed = "" if manifest.seed is None else f" Seed {manifest.seed}."
    return (
        f"Made on {manifest.created:%d %B %Y} by foretaste {manifest.versions['foretaste']}{code}."
        f"{seed} The manifest has versions, machine and checksums."
    )


def _data(dataset: Dataset | None, manifest: Manifest) -> str:
    if dataset is None:
        return "Not recorded."
    acted_on = int((dataset.item_counts > 0).sum())
    time = "real timestamps" if dataset.clock == "time" else "order only, no real timestamps"
    facts = [
        f"{len(dataset):,} events of {dataset.events['user_id'].n_unique():,} people",
        f"{len(dataset.item_vocabulary):,} items, {acted_on:,} of them acted on",
        f"time: {time}",
        f"what is known of items: {', '.join(dataset.items.columns[1:]) or 'nothing but ids'}",
        f"fingerprint `{manifest.dataset_fingerprint}`",
        *dataset.notes,
    ]
    return _bullets(facts)


def _split(split: Split | None) -> str:
    if split is None:
        return "Not recorded."
    return _bullets(
        [
            f"{split.kind}: {len(split.train):,} events to learn from",
            f"{len(split.validation):,} people to tune on, {len(split.test):,} to report on",
            f"fingerprint `{split.fingerprint}`",
        ]
    )


def _results(report: EvaluationReport | None) -> str:
    if report is None:
        return "Not measured."
    return f"{_fenced(str(report))}\n\n![Accuracy](plots/accuracy.png)"


def _limits(
    model: Recommender, dataset: Dataset | None, report: EvaluationReport | None
) -> Iterable[str]:
    cold = int((model.item_counts[1:] == 0).sum())
    total = len(model.item_vocabulary)
    yield (
        f"{cold:,} of {total:,} items had no event in training; "
        + (
            "this model can't tell them apart and hardly ever recommends them."
            if model.needs_behaviour
            else "what it thinks of them rests on what it knows beside behaviour."
        )
    )
    yield "People without a history get what is popular; the answer says so."
    if dataset is not None and dataset.clock == "order":
        yield "Events have no real time: nothing is known of seasons or of how long ago."
    if report is not None:
        yield (
            "The figures say how well actions in the log were foreseen. People could act only on "
            "what they were shown, so the figures flatter what was shown before."
        )
        yield "Differences between groups of people were not measured."


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _fenced(text: str) -> str:
    return f"```text\n{text}\n```"
