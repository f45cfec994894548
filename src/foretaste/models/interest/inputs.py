"""What every body reads of a pair, whatever it makes of it: one table, built once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field as Setting

from foretaste.config import Config
from foretaste.data import Dataset
from foretaste.data.schema import (
    EVENT_COLUMNS,
    ITEM_ID,
    PART,
    TIMESTAMP,
    USER_ID,
    Clock,
)
from foretaste.errors import DataError
from foretaste.models.interest.fields import (
    Field,
    Scale,
    column_of,
    fields_of,
    from_plain,
    of_the_moment,
    plain,
)
from foretaste.models.interest.labels import SESSION_POSITION
from foretaste.models.interest.log import Log, Pasts
from foretaste.models.interest.question import is_answer
from foretaste.models.interest.signals import Pairs, Signals

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

#: Columns that are no features: what is asked, and words, which come as vectors.
_NO_CONTEXT = {*EVENT_COLUMNS, PART}
_NO_ATTRIBUTE = {ITEM_ID, USER_ID, "title", "description", "image", "audio", "zip_code"}

_TABLES = ("content", "item_codes", "item_numbers", "user_codes", "user_numbers")


class FeaturesConfig(Config):
    """What is read of a pair.

    Attributes:
        context: Columns of the events that are read; None takes all beside the usual ones. Those
            with words hold a choice (few values) or are hashed (many).
        moment: Read hour, weekday and season, where timestamps are real.
        signals: Read counts and rates of person and item, and the labels of alike items.
        attributes: Read what the tables of items and users say beside words.
        dimension: Length to which the vectors of words are brought.
        past: Latest labels of a person that an item is compared with.
        history: Latest labels that attention and sequences read.
    """

    context: tuple[str, ...] | None = None
    moment: bool = True
    signals: bool = True
    attributes: bool = True
    dimension: int = Setting(default=64, ge=1)
    past: int = Setting(default=200, ge=1)
    history: int = Setting(default=30, ge=1)


@dataclass(frozen=True)
class Inputs:
    """Pairs as bodies read them; all arrays have one row a pair.

    Attributes:
        people: int32[n], user codes; 0 is somebody unknown.
        items: int32[n], item codes.
        choices: int32[n, c], codes of the fields of few values.
        numbers: float32[n, f], NaN where nothing is known.
        scaled: float32[n, f], the same between -1 and 1, with 0 for NaN.
        past_items: int32[n, h], the latest items whose labels are known, oldest first, then 0.
        past_labels: float32[n, h], their labels.
    """

    people: Ints
    items: Ints
    choices: Ints
    numbers: Floats
    scaled: Floats
    past_items: Ints
    past_labels: Floats

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: NDArray[np.integer]) -> Inputs:
        """The given rows, in the given order."""
        return Inputs(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def joined(parts: Sequence[Inputs]) -> Inputs:
    """The rows of all parts, one after the other."""
    return Inputs(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Inputs.__dataclass_fields__
        )
    )


@dataclass
class Features:
    """Turns pairs into `Inputs`; fitted on training data.

    Attributes:
        config: Settings.
        clock: What timestamps mean.
        context: Fields of the events' columns.
        of_items: Fields of the items' columns.
        of_users: Likewise of users.
        tables: float32 and int32 arrays by code: "content" (text vectors), "item_codes",
            "item_numbers", "user_codes" and "user_numbers".
        scale: Of the numbers; None until `fit_scale`.
        names: Of the numbers, in order.
    """

    config: FeaturesConfig
    clock: Clock
    context: tuple[Field, ...]
    of_items: tuple[Field, ...]
    of_users: tuple[Field, ...]
    tables: dict[str, NDArray[Any]]
    scale: Scale | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def fit(cls, train: Dataset, content: Floats, config: FeaturesConfig) -> Features:
        """Sees what columns there are, and what values they hold.

        Args:
            train: Labelled events.
            content: float32[items + 1, d], text vectors; d is 0 where there are none.
            config: Settings.

        Raises:
            DataError: A column of `config.context` is not there.
        """
        events = train.events
        moment = of_the_moment(events[TIMESTAMP], train.clock) if config.moment else pl.DataFrame()
        chosen = [c for c in events.columns if c not in _NO_CONTEXT and not is_answer(c)]
        wanted = chosen if config.context is None else list(config.context)
        if config.context is None and SESSION_POSITION in events.columns:
            wanted = list(dict.fromkeys([*wanted, SESSION_POSITION]))
        for column in wanted:
            if column not in events.columns:
                raise DataError(
                    f"the pairs have no such column (found: {', '.join(chosen)}).",
                    field=column,
                    hint="Correct features.context.",
                )
        seen = pl.concat([moment, events.select(wanted)], how="horizontal")
        of_items = _attributes(train.items, config)
        of_users = _attributes(train.users, config)
        item_codes, item_numbers = _by_code(train.items, of_items)
        user_codes, user_numbers = _by_code(train.users, of_users)
        arrays = (content, item_codes, item_numbers, user_codes, user_numbers)
        tables: dict[str, NDArray[Any]] = dict(zip(_TABLES, arrays, strict=True))
        return cls(config, train.clock, fields_of(seen, seen.columns), of_items, of_users, tables)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes of each field of few values, in the order of `Inputs.choices`."""
        fields = (*self.context, *self.of_items, *self.of_users)
        return tuple(field.size for field in fields if field.kind != "number")

    def build(
        self, pairs: Pairs, table: pl.DataFrame, past: Log, signals: Mapping[str, Signals]
    ) -> Inputs:
        """Reads pairs.

        Args:
            pairs: In codes.
            table: The same with the columns of their context.
            past: What is known of the first goal: the items that are read one by one.
            signals: Counts and rates, by the name of the goal whose labels they are of.
        """
        with_moment = table
        moment = of_the_moment(table[TIMESTAMP], self.clock)
        if moment.width:
            with_moment = pl.concat(
                [table.drop(moment.columns, strict=False), moment], how="horizontal"
            )
        codes, numbers = _read(with_moment, self.context, len(pairs))
        choices = [
            codes,
            self.tables["item_codes"][pairs.items],
            self.tables["user_codes"][pairs.people],
        ]
        columns = [
            numbers,
            self.tables["item_numbers"][pairs.items],
            self.tables["user_numbers"][pairs.people],
        ]
        names = [
            f.name
            for fs in (self.context, self.of_items, self.of_users)
            for f in fs
            if f.kind == "number"
        ]
        if self.config.signals:
            for goal, one in signals.items():
                told, values = one.of(pairs)
                names += told if len(signals) == 1 else [f"{goal}, {name}" for name in told]
                columns.append(values)
        whole = np.concatenate(columns, axis=1)
        self.names = tuple(names)
        scaled = np.zeros_like(whole) if self.scale is None else self.scale.apply(whole)
        items, labels = _history(pairs, past, self.config.history)
        return Inputs(
            pairs.people, pairs.items, np.concatenate(choices, axis=1), whole, scaled, items, labels
        )

    def with_scale(self, inputs: Inputs) -> Inputs:
        """Fits the scale on training inputs, and gives these with it."""
        self.scale = Scale.fit(inputs.numbers)
        return replace(inputs, scaled=self.scale.apply(inputs.numbers))

    def settings(self) -> dict[str, Any]:
        """All but arrays, JSON-ready."""
        return {
            "clock": self.clock,
            "context": plain(self.context),
            "of_items": plain(self.of_items),
            "of_users": plain(self.of_users),
            "names": list(self.names),
        }

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays, by name."""
        points = {} if self.scale is None else {"features.scale": self.scale.points}
        return {f"features.{name}": table for name, table in self.tables.items()} | points

    @classmethod
    def restored(
        cls,
        config: FeaturesConfig,
        settings: Mapping[str, Any],
        tensors: Mapping[str, NDArray[Any]],
    ) -> Features:
        """What gave these.

        Raises:
            LookupError: Something is missing.
        """
        context, of_items, of_users = (
            from_plain(settings[name]) for name in ("context", "of_items", "of_users")
        )
        tables = {name: tensors[f"features.{name}"] for name in _TABLES}
        scale = Scale(tensors["features.scale"])
        return cls(
            config,
            settings["clock"],
            context,
            of_items,
            of_users,
            tables,
            scale,
            tuple(settings["names"]),
        )


def _attributes(table: pl.DataFrame, config: FeaturesConfig) -> tuple[Field, ...]:
    if not config.attributes:
        return ()
    return fields_of(_first_of_lists(table), [c for c in table.columns if c not in _NO_ATTRIBUTE])


def _by_code(table: pl.DataFrame, fields: Sequence[Field]) -> tuple[Ints, Floats]:
    """Codes and numbers of a table's rows, after a row of nobody or nothing."""
    codes, numbers = _read(_first_of_lists(table), fields, len(table))
    return np.pad(codes, ((1, 0), (0, 0))), np.pad(
        numbers, ((1, 0), (0, 0)), constant_values=np.nan
    )


def _first_of_lists(table: pl.DataFrame) -> pl.DataFrame:
    """Of lists, such as categories, the first member, which is the widest."""
    lists = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.List)]
    return table.with_columns(pl.col(name).list.first() for name in lists)


def _read(table: pl.DataFrame, fields: Sequence[Field], rows: int) -> tuple[Ints, Floats]:
    codes = [f.codes(column_of(table, f.name)) for f in fields if f.kind != "number"]
    numbers = [f.numbers(column_of(table, f.name)) for f in fields if f.kind == "number"]
    return (
        np.stack(codes, axis=1) if codes else np.empty((rows, 0), np.int32),
        np.stack(numbers, axis=1) if numbers else np.empty((rows, 0), np.float32),
    )


def _history(pairs: Pairs, log: Log, length: int) -> tuple[Ints, Floats]:
    timeline = log.by_person
    past = Pasts.of(timeline, *timeline.spans(pairs.people, pairs.until), length)
    there = np.arange(length) < past.lengths[:, None]
    items = np.zeros((len(pairs), length), np.int32)
    labels = np.zeros((len(pairs), length), np.float32)
    items[there], labels[there] = log.items[past.event], log.labels[past.event]
    return items, labels
