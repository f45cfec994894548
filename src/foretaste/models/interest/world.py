"""What an interest model knows: people, items, labels, and how pairs are read by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import ContentReference, item_texts
from foretaste.content.projection import Projection
from foretaste.data import Dataset, Vocabulary
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.models.interest.answers import Answers, within
from foretaste.models.interest.bodies import Shape
from foretaste.models.interest.bodies.base import Examples, stacked
from foretaste.models.interest.inputs import Features, Inputs
from foretaste.models.interest.knowledge import Chronicle
from foretaste.models.interest.labels import with_session_position
from foretaste.models.interest.log import Log
from foretaste.models.interest.question import Goal
from foretaste.models.interest.signals import EXPECTED, Pairs, Signals

#: What the name of a log of grades ends in.
_GRADED = " (grades)"


@dataclass(frozen=True)
class World:
    """What is known, and how pairs are read by it.

    Attributes:
        users: Ids and codes of people.
        items: Ids and codes of items.
        features: Makes inputs of pairs.
        logs: Labelled pairs, by the name of the goal whose labels they are; of what is graded
            also with the grades in place of the labels.
        signals: Counts and rates by the same logs.
    """

    users: Vocabulary
    items: Vocabulary
    features: Features
    logs: Mapping[str, Log]
    signals: Mapping[str, Signals]

    @classmethod
    def of(
        cls,
        users: Vocabulary,
        items: Vocabulary,
        features: Features,
        logs: Mapping[str, Log],
        step: int,
    ) -> Self:
        """A world with so many labels between two looks at the items."""
        signals: dict[str, Signals] = {}
        for goal, log in logs.items():
            chronicle = Chronicle(log, len(users), features.tables["content"], step)
            signals[goal] = Signals(log, chronicle, features.config.past)
        return cls(users, items, features, logs, signals)

    @property
    def now(self) -> int:
        """The first moment after all that is known."""
        return max(int(log.known.max(initial=0)) for log in self.logs.values()) + 1

    def read(self, table: pl.DataFrame, until: NDArray[np.int64] | None = None) -> Inputs:
        """Inputs of the rows of a table, by what was known before each (or before `until`)."""
        table = with_session_position(table)
        times = table[TIMESTAMP].to_numpy()
        pairs = Pairs(
            self.users.encode(table[USER_ID]),
            self.items.encode(table[ITEM_ID]),
            times,
            times if until is None else np.minimum(until, times),
        )
        past = next(iter(self.logs.values()))
        return self.features.build(pairs, table, past, self.signals)

    def examples(
        self, events: Dataset, answers: Answers, *, staleness: float, seed: int
    ) -> Examples:
        """Labelled events as examples, by what was known before each.

        Args:
            events: To be read.
            answers: Tells their labels.
            staleness: Above 0, and where times are real, each comes a second time, by what was
                known up to this share of the time of the events before.
            seed: Of how long before.
        """
        table, labels = events.events, answers.labels(events.events)
        parts = [self.read(table)]
        if staleness and events.clock == "time":
            times = events.timestamps
            lag = staleness * float(times.max() - times.min())
            rng = np.random.default_rng(seed)
            until = times - (rng.random(len(times)) * lag).astype(np.int64)
            parts.append(self.read(table, until))
        ones = np.ones(len(table), np.float32)
        return stacked(*(Examples(part, labels, ones) for part in parts))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What is known and what reads it, by name."""
        return self.features.tensors() | {
            f"log.{place}.{name}": tensor
            for place, log in enumerate(self.logs.values())
            for name, tensor in log.tensors().items()
        }

    def tables(self) -> dict[str, pl.DataFrame]:
        """Ids of people and items, in the order of their codes."""
        return {
            "item_ids": self.items.ids.alias(ITEM_ID).to_frame(),
            "user_ids": self.users.ids.alias(USER_ID).to_frame(),
        }

    @classmethod
    def restored(
        cls,
        tables: Mapping[str, pl.DataFrame],
        features: Features,
        goals: tuple[Goal, ...],
        tensors: Mapping[str, NDArray[Any]],
        step: int,
    ) -> Self:
        """What gave these tables and tensors.

        Raises:
            LookupError: Something is missing.
        """
        users = Vocabulary(tables["user_ids"][USER_ID])
        items = Vocabulary(tables["item_ids"][ITEM_ID])
        logs = {
            name: Log.restored(within(f"log.{place}.", tensors))
            for place, name in enumerate(_names_of_logs(goals))
        }
        return cls.of(users, items, features, logs, step)


def logs_of(events: Dataset, answers: Answers) -> dict[str, Log]:
    """What events say of each goal; those without a label of it say nothing."""
    found: dict[str, Log] = {}
    for place, goal in enumerate(answers.goals):
        labels = answers.labels_of(place, events.events)
        known = ~np.isnan(labels)
        moments = events.events[goal.known_at].to_numpy()
        log = Log(events.user_codes[known], events.item_codes[known], labels[known], moments[known])
        found[goal.name] = log
        if goal.graded:
            grades = answers.grades_of(place, events.events)[known]
            found[goal.name + _GRADED] = replace(log, labels=grades)
    return found


def _names_of_logs(goals: tuple[Goal, ...]) -> list[str]:
    """The names of what `logs_of` gives, in its order."""
    return [goal.name + end for goal in goals for end in ("", *([_GRADED] if goal.graded else []))]


def shape_of(
    features: Features,
    numbers: int,
    users: Vocabulary,
    texts: tuple[str, ...],
    goals: tuple[Goal, ...],
) -> Shape:
    """How large inputs and answers are, for bodies."""
    content = features.tables["content"]
    history = features.config.history
    guesses = tuple(i for i, name in enumerate(features.names) if name.endswith(EXPECTED))
    return Shape(users.size, features.sizes, numbers, guesses, content, history, texts, goals)


def texts_of(train: Dataset) -> tuple[str, ...]:
    """The words of items by code; of no item none."""
    return ("", *item_texts(train.items))


def content_of(train: Dataset, content: ContentReference, dimension: int) -> NDArray[np.float32]:
    """Text vectors made shorter, float32[items + 1, d]; without an encoder one zero each."""
    if content.encoder is None:
        return np.zeros((train.item_vocabulary.size, 1), np.float32)
    vectors = content.fit(train.items)
    projection = Projection.fit(vectors[train.item_counts[1:] > 0], dimension)
    return np.pad(projection.apply(vectors), ((1, 0), (0, 0)))
