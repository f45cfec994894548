"""The way of a list through the stages: what went in, what came out, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Vocabulary
from foretaste.data.schema import ITEM_ID
from foretaste.errors import InputError, UnknownIdError
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.stage import Dropped, Request, Stage, Verdict, run_stage

CANDIDATES = "candidates"

_REASONS_SHOWN = 3


@dataclass(frozen=True)
class StageRecord:
    """What a stage did.

    Attributes:
        stage: Its name.
        counts_in: int64[people], items of each list before.
        counts_out: int64[people], items of each list after.
        milliseconds: Wall time.
        lists: The lists after it.
        dropped: What it left out.
    """

    stage: str
    counts_in: NDArray[np.int64]
    counts_out: NDArray[np.int64]
    milliseconds: float
    lists: CandidateLists
    dropped: Dropped


@dataclass(frozen=True)
class Why:
    """Why an item is in a list, or is not; `str` tells it in lines.

    Attributes:
        item: The item's id.
        rank: Its place in the list, from 1; None where it is not there.
        steps: What every stage made of it, up to the one that left it out.
    """

    item: str | int
    rank: int | None
    steps: tuple[str, ...]

    @property
    def there(self) -> bool:
        """Whether the item is in the list."""
        return self.rank is not None

    def __str__(self) -> str:
        end = "not in the list" if self.rank is None else f"place {self.rank} of the list"
        return "\n".join([f"{self.item}: {end}", *(f"  {step}" for step in self.steps)])


@dataclass(frozen=True)
class Trace:
    """Every stage of a request.

    Attributes:
        records: In the order in which they ran, the candidates first.
        verdict: What may be shown to anybody, under the rules of this request.
        vocabulary: Ids and codes of the items.
        search: How the model's best items were found, in a sentence.
    """

    records: tuple[StageRecord, ...]
    verdict: Verdict
    vocabulary: Vocabulary
    search: str

    def table(self) -> pl.DataFrame:
        """A row a stage: `stage`, `items_in`, `items_out` (of all people) and `milliseconds`."""
        return pl.DataFrame(
            {
                "stage": [record.stage for record in self.records],
                "items_in": [int(record.counts_in.sum()) for record in self.records],
                "items_out": [int(record.counts_out.sum()) for record in self.records],
                "milliseconds": [record.milliseconds for record in self.records],
            }
        )

    def why(self, item: str | int, person: int = 0) -> Why:
        """Why an item is in somebody's list, or is not.

        Args:
            item: Its id.
            person: The row of the request.

        Raises:
            UnknownIdError: There is no such item.
            InputError: There is no such row.
        """
        [code] = self.vocabulary.encode([item])
        if code == PADDING:
            raise UnknownIdError(f"there is no item {item!r}.", field=ITEM_ID)
        self._check(person)
        reason = int(self.verdict.reasons[code])
        if reason and _place(self.records[0].lists, person, code) is None:
            return Why(item, None, (f"never a candidate: {self.verdict.labels[reason - 1]}",))
        steps: list[str] = []
        place = None
        for record in self.records:
            place = _place(record.lists, person, code)
            steps.append(f"{record.stage}: {_said_of(record, person, code, place)}")
            if place is None:
                break
        return Why(item, None if place is None else place + 1, tuple(steps))

    def why_so_few(self, person: int = 0) -> str:
        """In a sentence, what left the most items out of somebody's list.

        Raises:
            InputError: There is no such row.
        """
        self._check(person)
        banned = self.verdict.reasons[1:]
        counts = dict(
            zip(self.verdict.labels, np.bincount(banned, minlength=1)[1:].tolist(), strict=False)
        )
        for record in self.records:
            reasons = record.dropped.reasons[record.dropped.rows == person]
            for label, count in zip(record.dropped.labels, np.bincount(reasons), strict=False):
                counts[label] = counts.get(label, 0) + int(count)
        most = sorted(counts.items(), key=lambda pair: -pair[1])[:_REASONS_SHOWN]
        told = [f"{count:,} by {label}" for label, count in most if count]
        return f"Items left out: {'; '.join(told)}." if told else "There were no more candidates."

    def _check(self, person: int) -> None:
        people = len(self.records[0].lists)
        if not 0 <= person < people:
            raise InputError(f"there is no person {person} among {people}.", field="person")


class Tracer:
    """Runs stages one after the other and writes down what they do."""

    def __init__(self, request: Request, lists: CandidateLists, milliseconds: float) -> None:
        """Starts from candidates that took so long to find."""
        counts = lists.items.lengths
        self._request = request
        self._records = [
            StageRecord(CANDIDATES, counts, counts, milliseconds, lists, Dropped.nothing())
        ]

    @property
    def lists(self) -> CandidateLists:
        """The lists after the latest stage."""
        return self._records[-1].lists

    def run(self, stage: Stage) -> None:
        """Runs the next stage."""
        before = self.lists
        outcome, milliseconds = run_stage(stage, before, self._request)
        after = outcome.lists
        self._records.append(
            StageRecord(
                stage.name,
                before.items.lengths,
                after.items.lengths,
                milliseconds,
                after,
                outcome.dropped,
            )
        )

    def trace(self, verdict: Verdict, vocabulary: Vocabulary, search: str) -> Trace:
        """All of it; `search` says how the model's best items were found."""
        return Trace(tuple(self._records), verdict, vocabulary, search)


def _place(lists: CandidateLists, person: int, code: int) -> int | None:
    found = np.flatnonzero(lists.items[person] == code)
    return int(found[0]) if len(found) else None


def _said_of(record: StageRecord, person: int, code: int, place: int | None) -> str:
    lists = record.lists
    if place is None:
        there = (record.dropped.rows == person) & (record.dropped.items == code)
        if not there.any():
            return "no source proposed it" if record.stage == CANDIDATES else "left out"
        return f"left out: {record.dropped.labels[int(record.dropped.reasons[there][0])]}"
    where = int(lists.items.offsets[person]) + place
    if record.stage == CANDIDATES:
        scores = zip(lists.sources, lists.source_scores[where].tolist(), strict=True)
        return ", ".join(f"{name} ({score:.4g})" for name, score in scores if not math.isnan(score))
    chance = float(lists.propensities[where])
    told = f"place {place + 1}, score {float(lists.scores[where]):.4g}"
    return told if chance == 1 else f"{told}, chosen with probability {chance:.3g}"
