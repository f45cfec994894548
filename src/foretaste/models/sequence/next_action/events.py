"""Events as numbers: which item, which kind of action, how long after the last, in what context."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from foretaste.data import Dataset, Ragged
from foretaste.data.schema import EVENT_TYPE, TIMESTAMP, Clock
from foretaste.errors import DataError

#: The kind of every event where events have no types.
_ANY = "event"

#: Buckets of a pause, each twice as long as the one before: from under a second to over 97 days.
#: Bucket 0 is no pause: the first event, or times that are not known.
PAUSES = 24


@dataclass(frozen=True)
class Meaning:
    """The words for which a model has vectors; the code of a word is its place, from 1.

    Attributes:
        kinds: Types of events.
        shares: float, of the training events, by kind.
        contexts: By column, its values.
        clock: What the timestamps mean.
    """

    kinds: tuple[str, ...]
    shares: tuple[float, ...]
    contexts: Mapping[str, tuple[str, ...]]
    clock: Clock

    @classmethod
    def of(cls, train: Dataset, context: tuple[str, ...]) -> Meaning:
        """The words of a data set.

        Raises:
            DataError: A column of the context is not there, or an event has no type.
        """
        for column in context:
            if column not in train.events.columns:
                raise DataError("the events have no such column.", field=column)
        counts = kinds_of(train.events).value_counts().sort(EVENT_TYPE)
        shares = (counts["count"] / counts["count"].sum()).to_list()
        return cls(
            tuple(counts[EVENT_TYPE]),
            tuple(shares),
            {column: tuple(_words(train.events[column]).unique().sort()) for column in context},
            train.clock,
        )

    def to_bytes(self) -> NDArray[np.uint8]:
        """For a model's state."""
        return np.frombuffer(json.dumps(asdict(self)).encode(), np.uint8)

    @classmethod
    def from_bytes(cls, values: NDArray[np.uint8]) -> Meaning:
        """What gave these bytes.

        Raises:
            LookupError: Something is missing.
            ValueError: They are something else.
        """
        read = json.loads(values.astype(np.uint8).tobytes())
        contexts = {column: tuple(words) for column, words in read["contexts"].items()}
        return cls(tuple(read["kinds"]), tuple(read["shares"]), contexts, read["clock"])


@dataclass(frozen=True)
class Told:
    """What every event tells, by its number from 1; number 0 is padding, and 0 tells nothing.

    Attributes:
        items: int64[events + 1], item codes.
        sides: int64[1 + 1 + contexts, events + 1], codes of the kind, the pause before the event,
            and each column of context.
    """

    items: Tensor
    sides: Tensor

    @property
    def kinds(self) -> Tensor:
        """int64[events + 1], codes of kinds."""
        return self.sides[0]


def number_events(
    events: pl.DataFrame,
    items: NDArray[np.int32],
    rows: NDArray[np.int32],
    count: int,
    meaning: Meaning,
    *,
    collapse_repeats: bool,
) -> tuple[Told, Ragged]:
    """Numbers events.

    Args:
        events: Sorted by row, then time.
        items: int32[events], their item codes.
        rows: int32[events], rising, the row that each belongs to.
        count: Of the rows.
        meaning: The words that have codes.
        collapse_repeats: Leave out an event that repeats kind and item of the one before it.

    Returns:
        What the events tell, and the numbers of those of each row.
    """
    kinds = codes_of(kinds_of(events), meaning.kinds)
    if collapse_repeats and len(events):
        same = [np.diff(each, prepend=-1) == 0 for each in (rows, items, kinds)]
        kept = ~np.all(same, axis=0)
        events, items, kinds, rows = events.filter(kept), items[kept], kinds[kept], rows[kept]
    sides = [kinds, _pauses(events, rows, meaning.clock)]
    sides += [codes_of(_words(events[column]), words) for column, words in meaning.contexts.items()]
    told = Told(_with_padding(items[None])[0], _with_padding(np.stack(sides)))
    numbers = np.arange(1, len(items) + 1, dtype=np.int32)
    return told, Ragged.from_groups(numbers, rows, count)


def kinds_of(events: pl.DataFrame) -> pl.Series:
    """The type of every event; where there are no types, all are of one.

    Raises:
        DataError: Some events have a type and others none.
    """
    if EVENT_TYPE not in events.columns:
        return pl.Series(EVENT_TYPE, [_ANY]).new_from_index(0, len(events))
    if events[EVENT_TYPE].null_count():
        raise DataError(
            "some events have no type.", field=EVENT_TYPE, hint="Give all of them one, or none."
        )
    return _words(events[EVENT_TYPE])


def codes_of(values: pl.Series, words: tuple[str, ...]) -> NDArray[np.int64]:
    """int64[n], places of strings among the words, from 1; 0 for others."""
    codes = {word: code for code, word in enumerate(words, start=1)}
    return values.replace_strict(codes, default=0, return_dtype=pl.Int64).to_numpy()


def _words(values: pl.Series) -> pl.Series:
    return values.cast(pl.String).fill_null("")


def _pauses(events: pl.DataFrame, rows: NDArray[np.int32], clock: Clock) -> NDArray[np.int64]:
    """int64[events], the bucket of the time since the event before it in its row."""
    if clock == "order" or events.is_empty():
        return np.zeros(len(events), np.int64)
    times = events[TIMESTAMP].to_numpy()
    seconds = np.maximum(np.diff(times, prepend=times[0]), 0) / 1000
    buckets = np.minimum(1 + np.log2(1 + seconds).astype(np.int64), PAUSES)
    return np.where(np.diff(rows, prepend=-1) == 0, buckets, 0)


def _with_padding(codes: NDArray[np.integer]) -> Tensor:
    return torch.from_numpy(np.pad(codes.astype(np.int64), ((0, 0), (1, 0))))
