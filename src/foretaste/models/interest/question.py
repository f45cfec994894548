"""What is asked: which events are pairs with a label, and when each label was known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from foretaste.config import Config
from foretaste.data import Dataset
from foretaste.data.schema import (
    EVENT_TYPE,
    ITEM_ID,
    LABEL,
    PART,
    SESSION_ID,
    TIMESTAMP,
    USER_ID,
)
from foretaste.errors import DataError

#: Of labelled events: the moment from which the label is known.
KNOWN_AT = "known_at"
#: How many pairs of the same session were asked about before.
SESSION_POSITION = "session_position"


class QuestionConfig(Config):
    """What interest is: a column that says so, or one type of event that another one follows.

    Attributes:
        column: A column of numbers; with `above`, interest is a number above it, else 0 or 1 (or
            the number itself, where a model is asked for ratings).
        above: The largest number that is no interest.
        shown: The type of the events that ask, such as "view".
        acted: The type of event on the same item in the same session that answers yes.
    """

    column: str | None = None
    above: float | None = None
    shown: str | None = None
    acted: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> QuestionConfig:
        if (self.shown is None) != (self.acted is None):
            raise ValueError("give both shown and acted, or neither")
        if self.column is not None and self.shown is not None:
            raise ValueError("give either a column, or shown and acted")
        return self


def labelled(dataset: Dataset, config: QuestionConfig) -> Dataset:
    """The events that ask, with columns `label` and `known_at`, without the column asked about.

    A label in a column is known as soon as its event is over. That of an event shown is known
    when the action comes, or that none came at the end of the session.

    Raises:
        DataError: A column or an event type is missing, or labels are neither 0 nor 1.
    """
    events = dataset.events
    asked = _column if config.shown is None else _followed
    found = asked(events, config)
    return Dataset.from_tables(
        found, dataset.items, dataset.users, clock=dataset.clock, notes=dataset.notes
    )


def with_session_position(pairs: pl.DataFrame) -> pl.DataFrame:
    """Adds `session_position` where there are sessions and it is not given."""
    if SESSION_ID not in pairs.columns or SESSION_POSITION in pairs.columns:
        return pairs
    place = pl.col(TIMESTAMP).rank("ordinal").over(USER_ID, SESSION_ID) - 1
    return pairs.with_columns(place.cast(pl.Int64).alias(SESSION_POSITION))


def _column(events: pl.DataFrame, config: QuestionConfig) -> pl.DataFrame:
    column = config.column or LABEL
    if column not in events.columns:
        raise DataError(
            f"the events have no such column (found: {', '.join(events.columns)}).",
            field=column,
            hint="Say what interest is in the section 'question'.",
        )
    if not events[column].dtype.is_numeric():
        raise DataError(f"it holds {events[column].dtype}, not numbers.", field=column)
    values = pl.col(column) if config.above is None else pl.col(column) > config.above
    found = events.drop_nulls(column).with_columns(
        values.cast(pl.Float32).alias(LABEL), pl.col(TIMESTAMP).alias(KNOWN_AT)
    )
    # Left there, the answer would be read as context of its own question.
    return found if column == LABEL else found.drop(column)


def _followed(events: pl.DataFrame, config: QuestionConfig) -> pl.DataFrame:
    for column in (EVENT_TYPE, SESSION_ID):
        if column not in events.columns:
            raise DataError(
                f"the events have no such column (found: {', '.join(events.columns)}).",
                field=column,
                hint="Name a column of labels in the section 'question' instead.",
            )
    there = events[EVENT_TYPE].unique().drop_nulls().sort().to_list()
    for kind in (config.shown, config.acted):
        if kind not in there:
            raise DataError(
                f"no event is of the type '{kind}'.",
                field=EVENT_TYPE,
                hint=f"There are: {', '.join(map(str, there))}.",
            )
    session = [USER_ID, SESSION_ID]
    events = events.with_columns(pl.col(TIMESTAMP).max().over(session).alias("__over"))
    acts = events.filter(pl.col(EVENT_TYPE) == config.acted).select(
        *session, ITEM_ID, pl.col(TIMESTAMP).alias("__acted")
    )
    shown = events.filter(pl.col(EVENT_TYPE) == config.shown).sort(TIMESTAMP, maintain_order=True)
    found = shown.join_asof(
        acts.sort("__acted"),
        left_on=TIMESTAMP,
        right_on="__acted",
        by=[*session, ITEM_ID],
        strategy="forward",
        check_sortedness=False,
    )
    return found.with_columns(
        pl.col("__acted").is_not_null().cast(pl.Float32).alias(LABEL),
        pl.coalesce("__acted", "__over").alias(KNOWN_AT),
    ).drop("__acted", "__over")


@dataclass(frozen=True)
class Parts:
    """Labelled events divided in time, under shared vocabularies.

    Attributes:
        kind: "published" where a column `part` says which is which, else "temporal".
        train: To learn from.
        validation: To choose and calibrate by.
        test: To report.
        fingerprint: SHA-256 of the pairs, their labels and their parts.
    """

    kind: Literal["published", "temporal"]
    train: Dataset
    validation: Dataset
    test: Dataset
    fingerprint: str

    def known(self, history: Literal["train", "validation", "streaming"]) -> Dataset:
        """What a model may remember when it is asked about the test.

        - "train": the training events only;
        - "validation": those and the validation events;
        - "streaming": all; of the test, a model then uses what was known before each question.
        """
        parts = {"train": 1, "validation": 2, "streaming": 3}[history]
        return together(*(self.train, self.validation, self.test)[:parts])


class DivisionConfig(Config):
    """How labelled events are divided.

    Attributes:
        validation: Share of the events, by time, where nobody published a division.
        test: Likewise, the latest.
    """

    validation: float = Field(default=0.1, gt=0, lt=1)
    test: float = Field(default=0.1, gt=0, lt=1)


def divide(dataset: Dataset, config: DivisionConfig | None = None) -> Parts:
    """Divides labelled events as published in a column `part`, else at two moments.

    Raises:
        DataError: A part would be empty, or times are good for order only.
    """
    config = config or DivisionConfig()
    kind = "published" if PART in dataset.events.columns else "temporal"
    part = _published(dataset) if kind == "published" else _in_time(dataset, config)
    empty = [name for number, name in enumerate(_NAMES) if not (part == number).any()]
    if empty:
        raise DataError(
            f"the part '{empty[0]}' would hold no event.",
            field=PART,
            hint="Give more events, or other shares.",
        )
    digest = hashlib.sha256(dataset.fingerprint.encode())
    digest.update(part.tobytes())
    digest.update(dataset.events[LABEL].cast(pl.Float32).to_numpy().tobytes())
    train, validation, test = (dataset.take_events(part == number) for number in range(3))
    return Parts(kind, train, validation, test, digest.hexdigest())


def together(*parts: Dataset) -> Dataset:
    """The events of data sets that share users and items, as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    events = pl.concat([part.events for part in parts])
    return Dataset.from_tables(
        events, first.items, first.users, clock=first.clock, notes=first.notes
    )


_NAMES = ("train", "validation", "test")


def _published(dataset: Dataset) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    parts = dataset.events[PART]
    strange = parts.filter(~parts.is_in(list(_NAMES)))
    if len(strange):
        raise DataError(
            f"{strange[0]!r} is no part.", field=PART, hint=f"Known: {', '.join(_NAMES)}."
        )
    numbers = dict(zip(_NAMES, range(3), strict=True))
    return parts.replace_strict(numbers, return_dtype=pl.Int8).to_numpy()


def _in_time(dataset: Dataset, config: DivisionConfig) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    if dataset.clock != "time":
        raise DataError(
            "interest is asked in time, and these timestamps give only the order of events.",
            hint=f"Give real times, or divide the events in a column '{PART}'.",
        )
    times = dataset.timestamps
    shares = [1 - config.validation - config.test, 1 - config.test]
    cuts = np.quantile(times, shares, method="higher")
    return np.searchsorted(cuts, times, side="right").astype(np.int8)
