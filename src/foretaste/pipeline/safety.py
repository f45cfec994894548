"""A classifier of harmful items for a run, and the people who decide where it is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from foretaste.artifacts import Run
from foretaste.artifacts.later import save_harm
from foretaste.data.schema import ITEM_ID, LABEL
from foretaste.errors import ConfigError, InputError
from foretaste.pipeline.labels import read_labels
from foretaste.pipeline.ranking import config_of, encoder_of_items, ranking_of, safe_items
from foretaste.pipeline.run import Tell
from foretaste.ranking import HarmClassifier, ReviewQueue
from foretaste.ranking.safety import HarmConfig, HarmReport, measure_harm
from foretaste.ranking.safety.review import DECISION, Decision


@dataclass(frozen=True)
class HarmTrained:
    """A classifier that was put into a run.

    Attributes:
        report: How it does on held-out labels.
        shown: Items that people whose age is not known may still be shown.
        waiting: Items that wait for a person to decide.
    """

    report: HarmReport
    shown: int
    waiting: int


def train_harm(
    saved: Run,
    labels: Path,
    tell: Tell,
    *,
    block: float | None = None,
    review: float | None = None,
    seed: int = 0,
) -> HarmTrained:
    """Trains the classifier of a run from labels, and puts it in front of its lists.

    It learns from all labels; the report is of one that learnt from four fifths of them.

    Args:
        saved: The run.
        labels: See `read_labels`.
        tell: Takes lines on how the work is going.
        block: Items at least so likely to be harmful are blocked; by default as the section
            `ranking.safety.harm` of the run says, which has a default of its own.
        review: Items at least so likely, and less than `block`, wait for a person; likewise.
        seed: Of the draw of what is held out.

    Raises:
        DataError: The labels can't be understood, or there are too few.
        ConfigError: The thresholds do not fit, or the run has a classifier from elsewhere.
        ArtifactError: The run can't be written to.
    """
    config = config_of(saved)
    settings = _settings(saved, block, review)
    table = read_labels(labels, saved.model.item_vocabulary)
    items = table.select(ITEM_ID).join(saved.items, on=ITEM_ID, maintain_order="left", how="left")
    encoder = encoder_of_items(config)
    tell(f"Reading {len(items):,} labelled items")
    report = measure_harm(items, table[LABEL], encoder, threshold=settings.block, seed=seed)
    classifier = HarmClassifier.fit(items, table[LABEL], encoder)
    save_harm(saved, classifier, settings, report)
    tell("Judging the catalogue")
    shown = len(safe_items(saved))
    return HarmTrained(report, shown, len(waiting(saved)))


def review_queue(saved: Run) -> ReviewQueue:
    """The queue of items that wait for a person.

    Raises:
        InputError: The run has none.
    """
    ranking = ranking_of(saved, config_of(saved))
    harm = ranking.safety.harm if ranking else None
    if harm is None or harm.queue is None:
        raise InputError(
            "the run has no queue of items to review.",
            file=saved.path,
            hint="Train a classifier with 'foretaste safety train RUN --labels FILE'.",
        )
    return ReviewQueue(harm.queue)


def waiting(saved: Run, *, decided: bool = False) -> pl.DataFrame:
    """Items of the queue, those likeliest to be harmful first.

    Args:
        saved: The run.
        decided: Those that have been decided, in place of those that wait.

    Returns:
        Columns `item_id`, `title` (null where there is none), `probability` and `decision`.

    Raises:
        InputError: The run has no queue.
        DataError: The queue can't be understood.
    """
    queue = review_queue(saved).read()
    there = pl.col(DECISION).is_not_null() if decided else pl.col(DECISION).is_null()
    title = pl.col("title") if "title" in saved.items.columns else pl.lit(None, pl.String)
    titles = saved.items.select(pl.col(ITEM_ID).cast(pl.String), title.alias("title"))
    found = queue.filter(there).sort("probability", descending=True, maintain_order=True)
    found = found.join(titles, on=ITEM_ID, how="left", maintain_order="left")
    return found.select(ITEM_ID, "title", "probability", DECISION)


def decide(saved: Run, items: Sequence[str], decision: Decision) -> None:
    """Writes down what a person decided of items in the queue; all of them, or none.

    Raises:
        InputError: The run has no queue.
        UnknownIdError: An item is not in it.
        DataError: The queue can't be understood.
    """
    review_queue(saved).decide(items, decision)


def _settings(saved: Run, block: float | None, review: float | None) -> HarmConfig:
    ranking = ranking_of(saved, config_of(saved))
    present = (ranking.safety.harm if ranking else None) or HarmConfig()
    if present.classifier is not None and saved.path not in present.classifier.parents:
        raise ConfigError(
            f"the run uses the classifier {present.classifier}.",
            file=saved.path,
            field="ranking.safety.harm.classifier",
            hint="Leave the setting out of the configuration to have one of the run's own.",
        )
    values = present.model_dump(include={"block", "review", "show_unreviewed"})
    given = {"block": block, "review": review}
    return HarmConfig.parse(values | {k: v for k, v in given.items() if v is not None})
