"""A run that starts from another: the model learns on from what has happened since."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foretaste.artifacts import Run
from foretaste.data import Split
from foretaste.errors import ConfigError, DataError
from foretaste.evaluation import Comparison, compare
from foretaste.evaluation.protocol import reachable
from foretaste.memory import peak_memory_mib
from foretaste.models import Recommender
from foretaste.pipeline.config import RunConfig
from foretaste.pipeline.run import Prepared, Tell, Trained, divided, measure
from foretaste.ranking.item_search import require_searchable


@dataclass(frozen=True)
class Refreshed:
    """A model that has learnt on, and what that did to those it had no news of.

    Attributes:
        trained: The model and how it does on the test targets.
        events: Training events it had not learnt from before.
        items: Items it had not known.
        forgetting: Before and after, over the people of the test without any such event; None
            where there are none. A fall that chance does not explain is what it forgot.
    """

    trained: Trained
    events: int
    items: int
    forgetting: Comparison | None


def refresh(config: RunConfig, start: Run, prepared: Prepared, tell: Tell) -> Refreshed:
    """Lets the model of a run learn on from the training events that it has not learnt from.

    Args:
        config: Settings of the new run; those of the model are those of the run.
        start: The run to go on from.
        prepared: What `prepare` gave for the settings, of data that has grown.
        tell: Takes lines on how the work is going.

    Raises:
        ConfigError: The run holds another model, or one with other settings.
        DataError: There is nothing new, or the run has learnt from what is now held out.
        InputError: The model can't learn on.
    """
    model = start.model
    _check_same_model(config, model, start)
    require_searchable(model, config.index)
    before = len(model.item_vocabulary)
    prepared = divided(config, prepared, model.item_vocabulary)
    split = prepared.split
    _check_nothing_held_out_was_learnt(model, split, start)
    model.add_items(split.train.items).remember(split.train)
    known = model.known
    events = int((known.histories.lengths - known.learnt).sum())
    if not events:
        raise DataError(
            f"the training events hold nothing that {start.path} has not learnt from.",
            hint="Add the events that came since, or train afresh without --from.",
        )
    others = _without_news(split, known.news)
    earlier = None if others is None else measure(model, others, config.evaluation)
    tell(f"Learning on from {start.path}: {events:,} events, {len(known.news):,} people")
    started = time.perf_counter()
    model.catch_up()
    seconds = time.perf_counter() - started
    memory = peak_memory_mib()
    tell(f"Measuring {model.name}")
    report = measure(model, split, config.evaluation)
    forgetting = None
    if others is not None and earlier is not None:
        forgetting = compare(
            earlier, measure(model, others, config.evaluation), metrics=[_metric(config)]
        )
    model.remember(prepared.dataset)
    trained = Trained(config, prepared, model, report, seconds, memory)
    return Refreshed(trained, events, len(model.item_vocabulary) - before, forgetting)


def _metric(config: RunConfig) -> str:
    return f"NDCG@{max(config.evaluation.ks)}"


def _without_news(split: Split, news: NDArray[np.int64]) -> Split | None:
    """The split with only those test targets whose people have no new training events."""
    old = np.flatnonzero(~np.isin(split.test.users - 1, news) & (split.test.histories.lengths > 0))
    targets = split.test.take(old)
    return replace(split, test=targets) if len(reachable(targets)) else None


def _check_same_model(config: RunConfig, model: Recommender, start: Run) -> None:
    wanted = config.build_model()
    if wanted.name != model.name or wanted.config != model.config:
        raise ConfigError(
            f"{start.path} holds a model '{model.name}' with other settings than are wanted.",
            field="model",
            hint="Give the settings it was trained with, or train afresh without --from.",
        )


def _check_nothing_held_out_was_learnt(model: Recommender, split: Split, start: Run) -> None:
    """Refuses a test of what the model was taught; histories before the targets may be longer."""
    ids = split.train.user_vocabulary.decode(split.test.users)
    learnt = np.append(0, model.known.learnt)[model.user_vocabulary.encode(ids)]
    if (learnt > split.test.histories.lengths).any():
        raise DataError(
            f"{start.path} has learnt from events that the split '{split.kind}' now holds out.",
            hint="Keep the data it was trained on and split it by time ('temporal' or "
            "'leave-one-out'), or train afresh without --from.",
        )
