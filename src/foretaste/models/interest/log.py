"""What is known of who acted on what, and by when it was known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Moments = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Log:
    """Labelled pairs of a person and an item; all arrays have one entry a pair.

    Attributes:
        people: int32[n], user codes.
        items: int32[n], item codes.
        labels: float32[n], 1 where the person acted, 0 where they could have and did not; or
            what they rated, brought to between 0 and 1.
        known: int64[n], the moment from which the label is known.
    """

    people: Codes
    items: Codes
    labels: Floats
    known: Moments

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def by_person(self) -> Timeline:
        """The pairs of each person in the order in which their labels came to be known."""
        return Timeline.of(self.people, self.known, self.labels)

    @cached_property
    def by_item(self) -> Timeline:
        """Likewise of each item."""
        return Timeline.of(self.items, self.known, self.labels)

    @cached_property
    def by_time(self) -> Timeline:
        """Likewise of all."""
        return Timeline.of(np.zeros(len(self), np.int32), self.known, self.labels)

    def before(self, moment: int) -> Log:
        """What was known before a moment."""
        then = self.known < moment
        return Log(self.people[then], self.items[then], self.labels[then], self.known[then])

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays, by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def restored(cls, tensors: Mapping[str, NDArray[Any]]) -> Log:
        """What gave these tensors.

        Raises:
            LookupError: One is missing.
        """
        return cls(*(tensors[name] for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Timeline:
    """Rows sorted by a code, then by time, so that what was known before any moment is a run.

    Attributes:
        order: int64[n], the row at each place.
        sums: float64[n + 1], running sums of the labels in this order.
        times: int64[distinct], the distinct moments, ascending.
        keys: int64[n], code and moment of each place as one number, ascending.
    """

    order: NDArray[np.int64]
    sums: NDArray[np.float64]
    times: Moments
    keys: NDArray[np.int64]

    @classmethod
    def of(cls, codes: Codes, known: Moments, labels: Floats) -> Timeline:
        """Sorts rows; those of one code and moment stay in their order."""
        times = np.unique(known)
        keys = codes.astype(np.int64) * (len(times) + 1) + np.searchsorted(times, known)
        order = np.argsort(keys, kind="stable")
        return cls(order, running(labels[order]), times, keys[order])

    def spans(self, codes: Codes, moments: Moments) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First places, and those after the last, of what was known of codes before moments."""
        first = codes.astype(np.int64) * (len(self.times) + 1)
        starts = np.searchsorted(self.keys, first)
        ends = np.searchsorted(self.keys, first + np.searchsorted(self.times, moments))
        return starts, ends

    def rates(
        self,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        prior: NDArray[np.floating],
        weight: float,
    ) -> NDArray[np.float64]:
        """Mean labels of runs, drawn to `prior` as if that were seen `weight` times."""
        return (self.sums[ends] - self.sums[starts] + weight * prior) / (ends - starts + weight)


def running(values: NDArray[Any]) -> NDArray[np.float64]:
    """float64[n + 1], sums of the first 0, 1, … values."""
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


@dataclass(frozen=True)
class Pasts:
    """What was known of each pair's person, the latest last: runs of places in a timeline.

    Attributes:
        row: int64[total], the pair to which each entry belongs, ascending.
        event: int64[total], the row of the log.
        lengths: int64[n], entries a pair.
    """

    row: NDArray[np.int64]
    event: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(
        cls, timeline: Timeline, starts: NDArray[np.int64], ends: NDArray[np.int64], most: int
    ) -> Pasts:
        """At most the latest `most` entries of each run."""
        lengths = np.minimum(ends - starts, most)
        offsets = np.cumsum(lengths) - lengths
        row = np.repeat(np.arange(len(lengths)), lengths)
        place = np.arange(len(row)) - np.repeat(offsets - (ends - lengths), lengths)
        return cls(row, timeline.order[place], lengths)

    def sums(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """float64[n], the sum of each pair's values."""
        weights = values.astype(np.float64)
        return np.bincount(self.row, weights, len(self.lengths)).astype(np.float64, copy=False)

    def largest(self, values: Floats, empty: float) -> Floats:
        """float32[n], the largest of each pair's values."""
        found = np.full(len(self.lengths), empty, np.float32)
        some = self.lengths > 0
        if some.any():
            starts = (np.cumsum(self.lengths) - self.lengths)[some]
            found[some] = np.maximum.reduceat(values, starts)
        return found
