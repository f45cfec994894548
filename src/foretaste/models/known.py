"""What a recommender knows of the world: ids, histories, and how often items were used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Dataset, Ragged, Vocabulary
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.errors import DataError, InputError, UnknownIdError

_COUNTS, _VALUES, _OFFSETS = "base.item_counts", "base.history_values", "base.history_offsets"
_LEARNT = "base.history_learnt"
_ITEM_IDS, _USER_IDS = "item_ids", "user_ids"


@dataclass(frozen=True)
class Known:
    """People with their histories, and items with their counts.

    Attributes:
        users: Ids and codes of the users whose histories are known.
        items: Ids and codes of the items that can be recommended.
        histories: Item codes; row `u - 1` belongs to user code `u`.
        item_counts: int64[items + 1], training events per item code.
        learnt: int64[users], how many actions of each history, from its start, were learnt from;
            the model only remembers the others.
    """

    users: Vocabulary
    items: Vocabulary
    histories: Ragged
    item_counts: NDArray[np.int64]
    learnt: NDArray[np.int64]

    @classmethod
    def of(cls, train: Dataset) -> Known:
        """All that a data set tells."""
        histories = train.histories()
        return cls(
            train.user_vocabulary,
            train.item_vocabulary,
            histories,
            train.item_counts,
            histories.lengths,
        )

    def remembering(self, dataset: Dataset) -> Known:
        """The same items and counts with the people of `dataset`.

        Raises:
            InputError: The data set's items are others.
        """
        if dataset.item_vocabulary != self.items:
            raise InputError("the data set has other items than the model was fitted on.")
        histories = dataset.histories()
        before = np.append(0, self.learnt)[self.users.encode(dataset.user_vocabulary.ids)]
        return replace(
            self,
            users=dataset.user_vocabulary,
            histories=histories,
            learnt=np.minimum(before, histories.lengths),
        )

    def going_on(self, new: Dataset) -> Known:
        """The same with new events, with which the histories of their people then end.

        Args:
            new: Events of items that are known; their people may be new.

        Raises:
            DataError: Ids of people are of another type than the known ones.
        """
        users = self.users.extended(new.events[USER_ID])
        owners = users.encode(new.events[USER_ID]) - 1
        rows = np.concatenate([self.histories.row_of_value, owners])
        values = np.concatenate([self.histories.values, self.items.encode(new.events[ITEM_ID])])
        order = np.argsort(rows, kind="stable")
        histories = Ragged.from_groups(values[order], rows[order].astype(np.int32), len(users))
        learnt = np.pad(self.learnt, (0, len(users) - len(self.users)))
        return replace(self, users=users, histories=histories, learnt=learnt)

    def forgetting(self, people: Sequence[str | int] | pl.Series) -> Known:
        """The same without some people, whom it need not know."""
        codes = self.users.encode(people)
        stay = np.setdiff1d(np.arange(len(self.users)), codes - 1)
        return replace(
            self,
            users=Vocabulary(self.users.ids.gather(stay)),
            histories=self.histories.take(stay),
            learnt=self.learnt[stay],
        )

    def caught_up(self) -> Known:
        """The same once everything that is remembered has been learnt from."""
        counts = np.bincount(self.histories.values, minlength=self.items.size)
        return replace(self, item_counts=counts, learnt=self.histories.lengths)

    @property
    def news(self) -> NDArray[np.int64]:
        """int64[n], rows of the histories with actions that were not learnt from."""
        return np.flatnonzero(self.learnt < self.histories.lengths)

    def as_dataset(self) -> Dataset:
        """The histories as events, whose places stand for times; of items and users only ids."""
        codes = (self.histories.row_of_value + 1).astype(np.int32)
        items, users = self.items.ids.alias(ITEM_ID), self.users.ids.alias(USER_ID)
        return Dataset(
            events=pl.DataFrame(
                {
                    USER_ID: self.users.decode(codes),
                    ITEM_ID: self.items.decode(self.histories.values),
                    TIMESTAMP: np.arange(len(codes)),
                }
            ),
            items=items.to_frame(),
            users=users.to_frame(),
            clock="order",
            user_vocabulary=self.users,
            item_vocabulary=self.items,
            user_codes=codes,
            item_codes=self.histories.values,
        )

    def extended(self, table: pl.DataFrame) -> tuple[Known, pl.DataFrame, NDArray[np.int32]]:
        """The same with the items of `table` that are not known yet, which have no events.

        Returns:
            What is then known, the new items' rows, and their codes, int32[n].

        Raises:
            DataError: There is no column `item_id`, an id is null or of another type than the
                known ones.
        """
        if ITEM_ID not in table.columns:
            raise DataError("the items have no such column.", field=ITEM_ID)
        vocabulary = self.items.extended(table[ITEM_ID])
        codes = np.arange(self.items.size, vocabulary.size, dtype=np.int32)
        rows = pl.Series("__code", vocabulary.encode(table[ITEM_ID]))
        new = table.with_columns(rows).filter(pl.col("__code") >= self.items.size)
        new = new.unique("__code", keep="first").sort("__code").drop("__code")
        counts = np.pad(self.item_counts, (0, len(codes)))
        return replace(self, items=vocabulary, item_counts=counts), new, codes

    def history_of(self, user: str | int) -> list[str | int]:
        """Ids of the items a known user acted on, oldest first.

        Raises:
            UnknownIdError: There is no such user.
        """
        code = self.users.encode([user])[0]
        if code == PADDING:
            raise UnknownIdError(
                f"there is no user {user!r} in the data.",
                field=USER_ID,
                hint="For somebody new, give a history of item ids instead.",
            )
        return self.items.decode(self.histories[code - 1]).to_list()

    def histories_of(self, users: NDArray[np.int32]) -> Ragged:
        """Histories by user code; those of code 0, users unknown, are empty."""
        with_unknown = Ragged(self.histories.values, np.concatenate([[0], self.histories.offsets]))
        return with_unknown.take(users)

    def codes_of(self, items: Sequence[str | int] | pl.Series) -> NDArray[np.int32]:
        """int32[n], codes of those items that are known, in their order."""
        codes = self.items.encode(items)
        return codes[codes != PADDING]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The numbers in here, by name."""
        return {
            _COUNTS: self.item_counts,
            _VALUES: self.histories.values,
            _OFFSETS: self.histories.offsets,
            _LEARNT: self.learnt,
        }

    def tables(self) -> dict[str, pl.DataFrame]:
        """The ids in here, by name."""
        return {
            _ITEM_IDS: self.items.ids.alias(ITEM_ID).to_frame(),
            _USER_IDS: self.users.ids.alias(USER_ID).to_frame(),
        }

    @classmethod
    def restored(
        cls, tensors: Mapping[str, NDArray[Any]], tables: Mapping[str, pl.DataFrame]
    ) -> Known:
        """What gave these tensors and tables.

        Raises:
            LookupError: Something is missing.
            ValueError: They contradict each other.
        """
        known = cls(
            Vocabulary(tables[_USER_IDS][USER_ID]),
            Vocabulary(tables[_ITEM_IDS][ITEM_ID]),
            Ragged(tensors[_VALUES], tensors[_OFFSETS]),
            tensors[_COUNTS],
            tensors[_LEARNT],
        )
        known._check()
        return known

    def _check(self) -> None:
        """Refuses codes that a file made up: native code takes them for addresses."""
        values, offsets = self.histories.values, self.histories.offsets
        lengths = np.diff(offsets, prepend=0, append=len(values))
        fits = (
            len(self.item_counts) == self.items.size
            and len(self.histories) == len(self.users)
            and values.dtype == np.int32
            and offsets.dtype == np.int64
            and (lengths >= 0).all()
            and lengths[0] == lengths[-1] == 0
            and values.min(initial=1) > PADDING
            and values.max(initial=PADDING) < self.items.size
            and len(self.learnt) == len(self.users)
            and (self.learnt >= 0).all()
            and (self.learnt <= self.histories.lengths).all()
        )
        if not fits:
            raise ValueError("the histories do not fit the users and items")
