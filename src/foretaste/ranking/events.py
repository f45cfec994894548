"""What people did, for the rules that ask about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import polars as pl

from foretaste.data import PADDING, Dataset, Ragged, Vocabulary
from foretaste.ranking.stage import CODE, ROW


class EventLog(Protocol):
    """Where people's events are found; a service gives its live one."""

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Columns of the events and their types."""
        ...

    def of(self, users: pl.Series, items: Vocabulary) -> pl.DataFrame:
        """The events of some users on known items.

        Args:
            users: Ids.
            items: Codes of the items.

        Returns:
            Columns `row` (of `users`, int64) and `code` (of the item, int64), and those of
            `schema`.
        """
        ...


class DatasetEvents:
    """The events of a data set.

    Args:
        dataset: Its events are sorted by user.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        places = np.arange(len(dataset), dtype=np.int32)
        people = len(dataset.user_vocabulary)
        self._places = Ragged.from_groups(places, dataset.user_codes - 1, people)

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Columns of the data set's events."""
        return self._dataset.events.schema

    def of(self, users: pl.Series, items: Vocabulary) -> pl.DataFrame:
        """The events of users the data set knows; others have none."""
        codes = self._dataset.user_vocabulary.encode(users)
        rows = np.flatnonzero(codes != PADDING)
        places = self._places.take(codes[rows] - 1)
        events = self._dataset.events[places.values]
        added = {
            ROW: rows[places.row_of_value],
            CODE: items.encode(events["item_id"]).astype(np.int64),
        }
        return events.with_columns(pl.Series(name, values) for name, values in added.items())
