"""The recommender of the next action."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from foretaste.data import PADDING, Dataset, Ragged
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.errors import DataError, InputError
from foretaste.models.answering import Ranking
from foretaste.models.base import Tensor
from foretaste.models.sequence.model import SequenceRecommender
from foretaste.models.sequence.network import SequenceNetwork
from foretaste.models.sequence.next_action.config import NextActionConfig
from foretaste.models.sequence.next_action.events import Meaning, Told, number_events
from foretaste.models.sequence.next_action.network import ActionNetwork, NextEvent, OnItems
from foretaste.models.sequence.objectives import Given, Objective
from foretaste.models.top_k import top_k

_MEANING = "actions.meaning"
_ROW = "__row"


class NextAction(SequenceRecommender):
    """Foresees which item comes next and what is done with it: viewed, put into the cart, bought.

    A person is a sequence of events: item, type, pause since the one before, context. The type
    of the next and the next item of every type are learnt together. Where only item ids are given,
    as in `recommend(histories=...)`, the rest counts as unknown; `recommend_after` and
    `next_actions` take whole events.

    Args:
        config: Settings, or give them by keyword.
        content: As of `SequenceRecommender`.
        **settings: Fields of `NextActionConfig`.
    """

    name = "next_action"
    config_class = NextActionConfig
    learns_on = False  # Remembered histories have no types, times or context.
    _meaning: Meaning
    _told: Told

    @property
    def _reads(self) -> NextActionConfig:
        return cast(NextActionConfig, self.config)

    @property
    def _acts(self) -> ActionNetwork:
        return cast(ActionNetwork, self._network)

    @property
    def actions(self) -> tuple[str, ...]:
        """The types of events that a fitted model knows."""
        return self._meaning.kinds

    def next_actions(self, events: pl.DataFrame, *, by: str = USER_ID) -> pl.DataFrame:
        """How likely the next event of each sequence is of each type.

        Args:
            events: Columns `item_id`, `timestamp` (as in a `Dataset`), `event_type` and the
                configured context; events of items that are not known are passed over.
            by: The column whose values tell sequences apart, such as `session_id`.

        Returns:
            The column `by`, each value once, in order, and a column for each type: probabilities
            that add up to 1. A sequence without a known item has the shares of the training events.

        Raises:
            DataError: A column is missing, or times are no integers.
        """
        ids, rows, told = self._understood(events, by)
        found = np.tile(np.array(self._meaning.shares, np.float32), (len(rows), 1))
        there = np.flatnonzero(rows.lengths)
        with torch.inference_mode():
            says = self._acts.says_kind(self._states(rows.take(there), told))
            found[there] = torch.softmax(says, dim=1).numpy()
        return ids.to_frame().with_columns(
            pl.Series(kind, found[:, place]) for place, kind in enumerate(self.actions)
        )

    def recommend_after(
        self,
        events: pl.DataFrame,
        k: int = 10,
        *,
        by: str = USER_ID,
        action: str | None = None,
        exclude_seen: bool = False,
    ) -> pl.DataFrame:
        """Recommends what comes after events.

        Args:
            events: As of `next_actions`.
            k: Items a sequence.
            by: As of `next_actions`.
            action: The type of event that items are recommended for: what is next to be bought,
                say, whatever is looked at before. By default, whatever comes next.
            exclude_seen: Leave out items of the sequence; what is bought was mostly seen.

        Returns:
            As of `recommend`, with the values of `by` as `user_id`.

        Raises:
            InputError: The action is unknown, or k is below 1.
            DataError: A column is missing, or times are no integers.
        """
        if action is not None and action not in self.actions:
            raise InputError(
                f"there is no action '{action}'.",
                field="action",
                hint=f"There are: {', '.join(self.actions)}.",
            )
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        ids, rows, told = self._understood(events, by)
        k = min(k, len(self.item_vocabulary))
        ranking = Ranking(
            np.zeros((len(rows), k), np.int32), np.full((len(rows), k), -np.inf, np.float32)
        )
        for block in self._blocks(len(rows)):
            scores = self._scores_after(rows.take(block), told, action)
            scores[:, PADDING] = -np.inf
            if exclude_seen:
                seen = rows.take(block)
                scores[seen.row_of_value, told.items.numpy()[seen.values]] = -np.inf
            ranking.items[block], ranking.scores[block] = top_k(scores, k)
        return self._as_table(ids, ranking, empty=rows.lengths == 0)

    def _scores_after(self, rows: Ragged, told: Told, action: str | None) -> NDArray[np.float32]:
        """float32[rows, items + 1]; of empty rows, the items' counts."""
        scores = np.tile(self.item_counts.astype(np.float32), (len(rows), 1))
        there = np.flatnonzero(rows.lengths)
        network = self._acts
        with torch.inference_mode():
            if action is None:
                states = network.last_state(rows.take(there), partial(network.read, told))
            else:
                kind = self.actions.index(action)
                states = network.of_kind(self._states(rows.take(there), told), kind)
            scores[there] = (states @ self._table.T).numpy()
        return scores

    def _states(self, rows: Ragged, told: Told) -> torch.Tensor:
        """float[rows, dimension], what the backbone says after each row of event numbers."""
        network = self._acts
        return network.last_state(rows, partial(network.read, told), network.backbone.last)

    def _understood(self, events: pl.DataFrame, by: str) -> tuple[pl.Series, Ragged, Told]:
        """Ids of sequences, the numbers of their events, and what these tell."""
        for column in (by, ITEM_ID, TIMESTAMP, *self._reads.context):
            if column not in events.columns:
                raise DataError("the events have no such column.", field=column)
        if not events[TIMESTAMP].dtype.is_integer():
            raise DataError(
                "timestamps must be integers.",
                field=TIMESTAMP,
                hint="Give milliseconds since 1970, or what the training events had.",
            )
        ids = events[by].unique(maintain_order=True)
        places = ids.to_frame().with_row_index(_ROW)
        events = events.join(places, on=by, maintain_order="left")
        codes = pl.Series(self.item_vocabulary.encode(events[ITEM_ID]))
        events = events.filter(codes != PADDING).sort(_ROW, TIMESTAMP, maintain_order=True)
        told, rows = number_events(
            events,
            self.item_vocabulary.encode(events[ITEM_ID]),
            events[_ROW].to_numpy().astype(np.int32),
            len(ids),
            self._meaning,
            collapse_repeats=self._reads.collapse_repeats,
        )
        return ids, rows, told

    def _training_rows(self, train: Dataset) -> Ragged:
        self._meaning = Meaning.of(train, self._reads.context)
        self._told, rows = number_events(
            train.events,
            train.item_codes,
            train.user_codes - 1,
            len(train.user_vocabulary),
            self._meaning,
            collapse_repeats=self._reads.collapse_repeats,
        )
        return rows

    def _new_network(self, base: torch.Tensor | None) -> SequenceNetwork:
        return ActionNetwork(self._shape, len(self.item_vocabulary), base, self._meaning)

    def _objectives(self, train: Dataset) -> list[tuple[float, Objective]]:
        return [
            (weight, one if isinstance(one, NextEvent) else OnItems(self._told, one))
            for weight, one in super()._objectives(train)
        ]

    def _own_task(self, given: Given) -> Objective:
        weights = self._reads.event_weights
        given.train.event_weights(weights)  # refuses types that no event has
        by_kind = [weights.get(kind, 1.0) for kind in self.actions]
        return NextEvent(self._told, by_kind, given.negatives, self._reads)

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {_MEANING: self._meaning.to_bytes()}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._meaning = Meaning.from_bytes(tensors[_MEANING])
        super()._restore(tensors)
