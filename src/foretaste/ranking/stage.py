"""What a stage of ranking is: lists in, lists out, and a reason for every item left out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import Ragged
from foretaste.ranking.candidates import CandidateLists

#: Columns of `Request.events` beside those of the events themselves.
ROW, CODE = "row", "code"

#: Age of somebody whose age is not known.
UNKNOWN_AGE = -1


@dataclass(frozen=True)
class Request:
    """What is asked for, for a batch of people at once.

    Attributes:
        histories: Item codes each acted on, oldest first.
        k: Items a page.
        depth: Items a list that is kept for later pages; at least `k`.
        parameters: Values of the `$names` in the rules.
        ages: int64[people], years; `UNKNOWN_AGE` where not known.
        now: Milliseconds since 1970, UTC.
        events: The people's events, with `row` and `code` (int64, of the person and the item)
            and the columns of the log; None where no stage asks for them.
        seed: Of whatever is left to chance.
    """

    histories: Ragged
    k: int
    depth: int
    ages: NDArray[np.int64]
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    now: int = 0
    events: pl.DataFrame | None = None
    seed: int = 0

    @classmethod
    def of(cls, histories: Ragged, k: int) -> Request:
        """One page each, for people of whom nothing but the history is known."""
        ages = np.full(len(histories), UNKNOWN_AGE, np.int64)
        return cls(histories=histories, k=k, depth=k, ages=ages)

    def __len__(self) -> int:
        return len(self.histories)


@dataclass(frozen=True)
class Dropped:
    """Items that a stage left out, and why.

    Attributes:
        rows: int64[n], for whom.
        items: int32[n], which.
        reasons: int64[n], entries of `labels`.
        labels: The reasons in words.
    """

    rows: NDArray[np.int64]
    items: NDArray[np.int32]
    reasons: NDArray[np.int64]
    labels: tuple[str, ...]

    @classmethod
    def nothing(cls) -> Dropped:
        """No item at all."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int64), ())


@dataclass(frozen=True)
class Outcome:
    """What a stage gives: the lists, and what it left out of them."""

    lists: CandidateLists
    dropped: Dropped = field(default_factory=Dropped.nothing)


@runtime_checkable
class Stage(Protocol):
    """One step from candidates to a page."""

    @property
    def name(self) -> str:
        """What the step is called in traces."""
        ...

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Filters, scores or reorders the lists of everybody in the request."""
        ...


@dataclass(frozen=True)
class Verdict:
    """Which items may be shown at all, whoever asks.

    Attributes:
        reasons: int64[items + 1] by item code: 0 may be shown, otherwise 1 + the entry of
            `labels` that says why not.
        labels: The reasons in words.
    """

    reasons: NDArray[np.int64]
    labels: tuple[str, ...]

    @classmethod
    def all_clear(cls, size: int) -> Verdict:
        """Every item may be shown; `size` is the number of codes with padding."""
        return cls(np.zeros(size, np.int64), ())

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """bool[items + 1], what may be shown."""
        return self.reasons == 0

    def also(self, banned: NDArray[np.bool_], label: str) -> Verdict:
        """Bans more items, bool[items + 1], for another reason; the first reason stands."""
        reason = len(self.labels) + 1
        return Verdict(np.where(self.allowed & banned, reason, self.reasons), (*self.labels, label))

    def and_then(self, other: Verdict) -> Verdict:
        """What both allow; the reason of this one goes first."""
        theirs = np.where(other.allowed, 0, other.reasons + len(self.labels))
        return Verdict(np.where(self.allowed, theirs, self.reasons), (*self.labels, *other.labels))


def drop(lists: CandidateLists, reasons: NDArray[np.int64], labels: Sequence[str]) -> Outcome:
    """Leaves candidates out.

    Args:
        lists: The candidates.
        reasons: int64[total]: 0 stays, otherwise 1 + the entry of `labels` that says why not.
        labels: The reasons in words.
    """
    gone = np.flatnonzero(reasons)
    if not len(gone):
        return Outcome(lists)
    dropped = Dropped(lists.rows[gone], lists.items.values[gone], reasons[gone] - 1, tuple(labels))
    return Outcome(lists.keep(reasons == 0), dropped)


def run_stage(stage: Stage, lists: CandidateLists, request: Request) -> tuple[Outcome, float]:
    """Runs a stage; gives its outcome and the milliseconds it took."""
    started = time.perf_counter()
    outcome = stage(lists, request)
    return outcome, 1000 * (time.perf_counter() - started)
