"""Numbers about a person, an item and the two together, from what was known before a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretaste.models.interest.knowledge import Chronicle, Knowledge
from foretaste.models.interest.log import Log, Pasts, running
from foretaste.models.interest.taste import taste

Columns = dict[str, NDArray[np.floating]]

HOUR = 3_600_000
DAY = 24 * HOUR

#: The number that is itself a guess of how far a label will be above the usual.
EXPECTED = "expected"

#: As if every person and item had so many labels more of what is usual.
_PRIOR = 5.0
_USUAL_PRIOR = 100.0
#: Latest labels of a person, and of an item, of which rates are taken beside all.
_LATEST_OF_PERSON = (5, 20, 60)
_LATEST_OF_ITEM = 10
#: How fast an item of the past counts less for being less alike.
_BANDWIDTHS = (0.1, 0.3)
#: In days: how fast it counts less for being long ago.
_HALF_LIVES = (1 / 24, 7.0)
#: Entries of pasts that are looked at together.
_BLOCK = 2**16


@dataclass(frozen=True)
class Pairs:
    """Pairs of a person and an item; all arrays have one entry a pair.

    Attributes:
        people: int32[n], user codes; 0 is somebody unknown.
        items: int32[n], item codes.
        times: int64[n], when the question is asked, in milliseconds or in order.
        until: int64[n], the moment before which labels count as known; at most `times`.
    """

    people: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.int64]
    until: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.people)

    def take(self, rows: NDArray[np.integer]) -> Pairs:
        """The given pairs, in the given order."""
        return Pairs(self.people[rows], self.items[rows], self.times[rows], self.until[rows])


class Signals:
    """Computes the numbers; nothing in them comes from labels known later than `Pairs.until`.

    Args:
        log: What is known.
        chronicle: What was known of items, and when.
        most: Latest labels of a person that are compared with an item.
    """

    def __init__(self, log: Log, chronicle: Chronicle, most: int) -> None:
        self._log, self._chronicle, self._most = log, chronicle, most
        by_person = log.by_person
        # What a label says beyond how lenient its person had been until then.
        usual = self._usual(log.known)
        leniency = by_person.rates(*by_person.spans(log.people, log.known), usual, _PRIOR)
        self._beyond_leniency = running((log.labels - leniency)[log.by_item.order])

    def of(self, pairs: Pairs) -> tuple[list[str], NDArray[np.float32]]:
        """The names of the numbers, and float32[n, names]; NaN where nothing can be said."""
        names: list[str] = []
        pages = self._chronicle.pages(pairs.until)
        table = np.empty((len(pairs), 0), np.float32)
        for page in np.unique(pages):
            rows = np.flatnonzero(pages == page)
            known = self._chronicle.page(int(page))
            expected = self._expected(pairs.take(rows), known)
            for part in self._blocks(pairs.take(rows)):
                columns = self._columns(pairs.take(rows[part]), known)
                columns |= {name: column[part] for name, column in expected.items()}
                if not names:
                    names = list(columns)
                    table = np.empty((len(pairs), len(names)), np.float32)
                for place, column in enumerate(columns.values()):
                    table[rows[part], place] = column
        return names, table

    def _blocks(self, pairs: Pairs) -> list[NDArray[np.int64]]:
        """Rows with so many entries of pasts as can be held."""
        starts, ends = self._log.by_person.spans(pairs.people, pairs.until)
        cuts = np.cumsum(np.minimum(ends - starts, self._most) + 1) // _BLOCK
        return np.split(np.arange(len(pairs)), np.flatnonzero(np.diff(cuts)) + 1)

    def _columns(self, pairs: Pairs, known: Knowledge) -> Columns:
        past, columns = self._of_person(pairs)
        columns |= self._of_item(pairs, known)
        return columns | self._of_both(pairs, past, known)

    def _expected(self, pairs: Pairs, known: Knowledge) -> Columns:
        """What the person's labels, and the item's quality, say of a label above the usual."""
        first, last = self._log.by_person.spans(pairs.people, pairs.until)
        level = np.float32(known.usual) + known.quality
        beyond = taste(self._log, first, last, pairs.items, level, known.likeness, self._most)
        return {"taste": beyond, EXPECTED: beyond + known.quality[pairs.items]}

    def _usual(self, until: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean label of everybody before these moments."""
        everybody = self._log.by_time
        first, last = everybody.spans(np.zeros(len(until), np.int32), until)
        middle = np.full(len(until), 0.5)
        return everybody.rates(first, last, middle, _USUAL_PRIOR)

    def _of_person(self, pairs: Pairs) -> tuple[Pasts, Columns]:
        timeline, known = self._log.by_person, self._log.known
        first, last = timeline.spans(pairs.people, pairs.until)
        usual = self._usual(pairs.until)
        rate = timeline.rates(first, last, usual, _PRIOR)
        columns: Columns = {
            "usual": usual,
            "person: labels": np.log1p(last - first),
            "person: rate": rate,
        }
        for latest in _LATEST_OF_PERSON:
            since = np.maximum(last - latest, first)
            columns[f"person: rate of {latest}"] = timeline.rates(since, last, rate, 2.0)
        there = last > first
        columns["person: days since the last"] = _days(
            pairs.times, known, timeline.order, last - 1, there
        )
        columns["person: days since the first"] = _days(
            pairs.times, known, timeline.order, first, there
        )
        columns["days of which nothing is known"] = (pairs.times - pairs.until) / DAY
        return Pasts.of(timeline, first, last, self._most), columns

    def _of_item(self, pairs: Pairs, known: Knowledge) -> Columns:
        timeline = self._log.by_item
        first, last = timeline.spans(pairs.items, pairs.until)
        rate = timeline.rates(first, last, self._usual(pairs.until), _PRIOR)
        since = np.maximum(last - _LATEST_OF_ITEM, first)
        beyond = self._beyond_leniency[last] - self._beyond_leniency[first]
        return {
            "item: labels": np.log1p(last - first),
            "item: rate": rate,
            f"item: rate of {_LATEST_OF_ITEM}": timeline.rates(since, last, rate, 2.0),
            "item: beyond leniency": beyond / (last - first + _PRIOR),
            "item: quality": known.quality[pairs.items],
            "item: days since the last": _days(
                pairs.times, self._log.known, timeline.order, last - 1, last > first
            ),
        }

    def _of_both(self, pairs: Pairs, past: Pasts, known: Knowledge) -> Columns:
        log, row = self._log, past.row
        items = log.items[past.event]
        news = log.labels[past.event] - known.usual - known.quality[items]
        own = past.sums(log.labels[past.event]) / np.maximum(past.lengths, 1)
        against_own = log.labels[past.event] - own[row]
        columns: Columns = {
            "past: beyond quality": past.sums(news) / (past.lengths + 3.0),
            "past: quality": past.sums(known.quality[items]) / (past.lengths + 1.0),
        }
        days = ((pairs.times[row] - log.known[past.event]) / DAY).astype(np.float32)
        for half_life in _HALF_LIVES:
            weights = np.exp2(-np.maximum(days, 0) / np.float32(half_life))
            name = f"past: beyond quality, half-life {half_life:.2g} d"
            columns[name] = past.sums(weights * news) / (past.sums(weights) + 0.5)
        for name, vectors in known.likeness.items():
            alike = np.einsum("nd,nd->n", vectors[pairs.items[row]], vectors[items])
            columns |= _weighted(name, alike, past, news, against_own)
        return columns


def _weighted(
    name: str,
    alike: NDArray[np.float32],
    past: Pasts,
    news: NDArray[np.floating],
    against_own: NDArray[np.floating],
) -> Columns:
    """What the labels of alike items say of this one."""
    columns: Columns = {
        f"{name}: most alike": past.largest(alike, -1.0),
        f"{name}: mean likeness": past.sums(alike) / np.maximum(past.lengths, 1),
        f"{name}: sum": past.sums(alike * news) / np.sqrt(past.lengths + 5.0),
    }
    for bandwidth in _BANDWIDTHS:
        weights = np.exp((alike - 1) / np.float32(bandwidth))
        total = past.sums(weights) + 0.05
        columns[f"{name}: labels of alike, {bandwidth}"] = past.sums(weights * news) / total
        columns[f"{name}: of own, {bandwidth}"] = past.sums(weights * against_own) / total
    return columns


def _days(
    times: NDArray[np.int64],
    known: NDArray[np.int64],
    order: NDArray[np.int64],
    places: NDArray[np.int64],
    there: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Days from the label at each place to the question; NaN where there is none."""
    found = np.full(len(times), np.nan)
    found[there] = (times[there] - known[order[places[there]]]) / DAY
    return found
