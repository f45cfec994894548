"""Labelled pairs divided in time: to learn from, to choose by, to report on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from foretaste.config import Config
from foretaste.data import Dataset
from foretaste.data.schema import PART
from foretaste.errors import DataError
from foretaste.models.interest.question import labels_in


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
    for label in labels_in(dataset.events):
        digest.update(dataset.events[label].cast(pl.Float32).to_numpy().tobytes())
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
