"""The immutable data set: events, items and users under shared vocabularies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data.ragged import Ragged
from foretaste.data.schema import (
    EVENT_TYPE,
    EVENT_VALUE,
    ITEM_ID,
    REQUIRED_EVENT_COLUMNS,
    TIMESTAMP,
    USER_ID,
    Clock,
)
from foretaste.data.vocabulary import Vocabulary
from foretaste.errors import DataError, InputError

if TYPE_CHECKING:
    from foretaste.data.description import Description
    from foretaste.data.splits import Split


@dataclass(frozen=True)
class Dataset:
    """Events of users on items, ready to learn from. Build it with `Dataset.from_tables`.

    Attributes:
        events: One row an event, sorted by user, then time, then the order of the input. Columns
            `user_id`, `item_id`, `timestamp` (int64) and whatever else came along.
        items: One row for every code of `item_vocabulary`, in that order; events' items that the
            catalogue lacks are there with nulls.
        users: Likewise for `user_vocabulary`.
        clock: "time" when timestamps are milliseconds since 1970 in UTC, "order" when they are
            good for nothing but the order of one user's events.
        user_codes: int32[events], code of the user of every event.
        item_codes: int32[events], code of the item of every event.
        notes: What reading did that a user should know, one sentence each.
    """

    events: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    clock: Clock
    user_vocabulary: Vocabulary
    item_vocabulary: Vocabulary
    user_codes: NDArray[np.int32]
    item_codes: NDArray[np.int32]
    notes: tuple[str, ...] = ()

    @classmethod
    def from_tables(
        cls,
        events: pl.DataFrame,
        items: pl.DataFrame | None = None,
        users: pl.DataFrame | None = None,
        *,
        clock: Clock = "time",
        notes: tuple[str, ...] = (),
    ) -> Dataset:
        """Puts canonical tables together.

        Ids are strings or integers; where two tables disagree, both become strings. The
        vocabularies hold the ids of the events and of the catalogue: an item without events is a
        cold item, not an error.

        Args:
            events: Columns `user_id`, `item_id`, `timestamp` (any integer type) and others.
            items: Column `item_id`, unique, and others.
            users: Column `user_id`, unique, and others.
            clock: What the timestamps mean.
            notes: What a reader wants the user to know.

        Raises:
            DataError: A column is missing, an id is null or listed twice, a timestamp is no
                integer or null, or there are no events.
        """
        for column in REQUIRED_EVENT_COLUMNS:
            _require(events, column, "events")
        if events.is_empty():
            raise DataError("there are no events.", hint="Give at least one row.")
        if not events[TIMESTAMP].dtype.is_integer() or events[TIMESTAMP].null_count():
            raise DataError("timestamps must be integers, none of them null.", field=TIMESTAMP)
        items = events.select(ITEM_ID).unique() if items is None else items
        users = events.select(USER_ID).unique() if users is None else users
        events, items = _agree(events, _one_row_each(items, ITEM_ID, "items"), ITEM_ID)
        events, users = _agree(events, _one_row_each(users, USER_ID, "users"), USER_ID)
        item_vocabulary = Vocabulary.of(pl.concat([events[ITEM_ID], items[ITEM_ID]]))
        user_vocabulary = Vocabulary.of(pl.concat([events[USER_ID], users[USER_ID]]))
        events = events.with_columns(pl.col(TIMESTAMP).cast(pl.Int64)).sort(
            USER_ID, TIMESTAMP, maintain_order=True
        )
        return cls(
            events=events,
            items=_in_code_order(items, item_vocabulary, ITEM_ID),
            users=_in_code_order(users, user_vocabulary, USER_ID),
            clock=clock,
            user_vocabulary=user_vocabulary,
            item_vocabulary=item_vocabulary,
            user_codes=user_vocabulary.encode(events[USER_ID]),
            item_codes=item_vocabulary.encode(events[ITEM_ID]),
            notes=notes,
        )

    def __len__(self) -> int:
        return len(self.events)

    @property
    def timestamps(self) -> NDArray[np.int64]:
        """int64[events], in the order of `events`."""
        return self.events[TIMESTAMP].to_numpy()

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """int64[items + 1], events per item code; entry 0 is padding."""
        return np.bincount(self.item_codes, minlength=self.item_vocabulary.size)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of ids, events (with type and value) and the catalogue's contents."""
        digest = hashlib.sha256(self.clock.encode())
        digest.update(self.user_vocabulary.fingerprint.encode())
        digest.update(self.item_vocabulary.fingerprint.encode())
        for array in (self.user_codes, self.item_codes, self.timestamps):
            digest.update(np.ascontiguousarray(array).tobytes())
        signals = [c for c in (EVENT_TYPE, EVENT_VALUE) if c in self.events.columns]
        for table in (self.events.select(signals), self.items):
            for batch in table.iter_slices(100_000):
                digest.update(batch.write_ndjson().encode())
        return digest.hexdigest()

    def histories(self) -> Ragged:
        """Item codes of every user in time order; row `u - 1` belongs to user code `u`."""
        return Ragged.from_groups(self.item_codes, self.user_codes - 1, len(self.user_vocabulary))

    def event_weights(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        """float32[events], the weight of every event by its type; 1 for types not named.

        Args:
            weights: By `event_type`; an empty mapping gives every event the weight 1.

        Raises:
            InputError: A type is named that no event has, or events have no types.
        """
        if not weights:
            return np.ones(len(self), np.float32)
        if EVENT_TYPE not in self.events.columns:
            raise InputError(
                "the events have no types to weigh.",
                field="event_weights",
                hint=f"Give them a column '{EVENT_TYPE}', or leave the weights out.",
            )
        types = self.events[EVENT_TYPE]
        there = sorted(str(kind) for kind in types.unique().drop_nulls())
        unknown = sorted(set(weights) - set(there))
        if unknown:
            raise InputError(
                f"no event is of the type '{unknown[0]}'.",
                field="event_weights",
                hint=f"There are: {', '.join(there)}.",
            )
        found = types.cast(pl.String).replace_strict(
            dict(weights), default=1.0, return_dtype=pl.Float32
        )
        return found.to_numpy()

    def take_events(self, rows: NDArray[np.bool_]) -> Dataset:
        """The same users and items with only the events where `rows`, bool[events], is true."""
        return replace(
            self,
            events=self.events.filter(pl.Series(rows)),
            user_codes=self.user_codes[rows],
            item_codes=self.item_codes[rows],
        )

    def only_with_events(self) -> Dataset:
        """The same events without the items and users that none of them mentions."""
        return Dataset.from_tables(
            self.events,
            self.items.join(self.events.select(ITEM_ID), on=ITEM_ID, how="semi"),
            self.users.join(self.events.select(USER_ID), on=USER_ID, how="semi"),
            clock=self.clock,
            notes=self.notes,
        )

    def in_codes_of(self, items: Vocabulary) -> Dataset:
        """The same with item codes that begin with those of `items`, whose items all stay.

        Raises:
            DataError: Ids of items are of another type than those of `items`.
        """
        vocabulary = items.extended(self.item_vocabulary.ids)
        table = self.items.with_columns(pl.col(ITEM_ID).cast(vocabulary.ids.dtype))
        return replace(
            self,
            items=_in_code_order(table, vocabulary, ITEM_ID),
            item_vocabulary=vocabulary,
            item_codes=vocabulary.encode(self.events[ITEM_ID]),
        )

    def with_notes(self, *notes: str) -> Dataset:
        """The same with more notes after those there are."""
        return replace(self, notes=(*self.notes, *notes))

    def describe(self) -> Description:
        """Counts of what the data set holds; `print` shows them readably."""
        from foretaste.data.description import describe

        return describe(self)

    def split(self, kind: str | None = None, **options: Any) -> Split:
        """Divides the events into training data and held-out targets: see `splits.split`."""
        from foretaste.data.splits import split

        return split(self, kind, **options)


def _require(table: pl.DataFrame, column: str, name: str) -> None:
    if column not in table.columns:
        raise DataError(
            f"the {name} have no column '{column}' (found: {', '.join(table.columns)}).",
            field=column,
            hint=f"Name it with columns: {{{column}: <the name in your file>}}.",
        )


def _require_ids(table: pl.DataFrame, key: str) -> None:
    dtype = table[key].dtype
    if not (dtype.is_integer() or isinstance(dtype, pl.String | pl.Null)):
        raise DataError(
            f"ids must be strings or integers, not {dtype}.",
            field=key,
            hint="Turn them into strings first, written as they are meant.",
        )


def _one_row_each(table: pl.DataFrame, key: str, name: str) -> pl.DataFrame:
    _require(table, key, name)
    twice = table.filter(table[key].is_duplicated())
    if not twice.is_empty():
        raise DataError(
            f"the {name} list {twice[key][0]!r} more than once.",
            field=key,
            hint="Keep one row for each id.",
        )
    return table


def _agree(a: pl.DataFrame, b: pl.DataFrame, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Gives both tables the same type of id: integers if both have them, else strings."""
    for table in (a, b):
        _require_ids(table, key)
    both_integer = a[key].dtype.is_integer() and b[key].dtype.is_integer()
    dtype = pl.Int64 if both_integer else pl.String
    return a.with_columns(pl.col(key).cast(dtype)), b.with_columns(pl.col(key).cast(dtype))


def _in_code_order(table: pl.DataFrame, vocabulary: Vocabulary, key: str) -> pl.DataFrame:
    order = vocabulary.ids.alias(key).to_frame()
    return order.join(table, on=key, how="left", maintain_order="left")
