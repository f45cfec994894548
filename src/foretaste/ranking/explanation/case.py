"""A score that is to be explained, and what it becomes when parts of the history are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged
from foretaste.data.schema import ITEM_ID
from foretaste.errors import UnknownIdError
from foretaste.models import Recommender

Id = str | int


@dataclass(frozen=True)
class Case:
    """What a model says of one item to one person. Make one with `Case.of`.

    The parts of a history are its distinct items: leaving one out leaves out every action on it.

    Attributes:
        model: A fitted model.
        history: int32[actions], codes of the items the person acted on, oldest first.
        item: Code of the item whose score is to be explained.
    """

    model: Recommender
    history: NDArray[np.int32]
    item: int

    @classmethod
    def of(cls, model: Recommender, history: Sequence[Id], item: Id) -> Case:
        """The case of an item by id; items of the history that the model lacks, and the item
        itself, are passed over.

        Raises:
            UnknownIdError: The model does not know the item.
        """
        code = int(model.item_vocabulary.encode([item])[0])
        if code == PADDING:
            raise UnknownIdError(f"there is no item {item!r}.", field=ITEM_ID)
        codes = model.item_vocabulary.encode(list(history))
        return cls(model, codes[(codes != PADDING) & (codes != code)], code)

    @cached_property
    def parts(self) -> NDArray[np.int32]:
        """int32[n], codes of the distinct items of the history, rising."""
        return np.unique(self.history)

    @cached_property
    def part_of_action(self) -> NDArray[np.int64]:
        """int64[actions], the place in `parts` of every action's item."""
        return np.searchsorted(self.parts, self.history)

    def by_part(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """float64[parts]: the sums of what belongs to the actions, values[actions]."""
        sums = np.zeros(len(self.parts))
        np.add.at(sums, self.part_of_action, values)
        return sums

    @property
    def says_something(self) -> bool:
        """Whether the model answers this history itself, and not by popularity."""
        return bool(self._tells_model.any())

    @cached_property
    def score(self) -> float:
        """The model's score with the whole history; 0 where that says nothing to the model."""
        return float(self.scores(np.ones((1, len(self.parts)), bool))[0])

    def scores(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Scores of the item with parts of the history, all in one call of the model.

        Args:
            kept: bool[n, parts], which parts remain in each of n histories.

        Returns:
            float64[n]; 0 where nothing remains that says anything to the model, which would then
            answer everybody alike.
        """
        scores = np.zeros(len(kept))
        rows = np.flatnonzero((kept & self._tells_model).any(axis=1))
        if len(rows):
            histories = Ragged.from_rows(
                self.history[kept[row, self.part_of_action]] for row in rows
            )
            item = np.array([self.item], np.int32)
            ranking = self.model.rank(histories, 1, exclude_seen=False, candidates=item)
            scores[rows] = ranking.scores[:, 0]
        return scores

    @cached_property
    def _tells_model(self) -> NDArray[np.bool_]:
        """bool[parts]: those from which the model can answer."""
        if not self.model.needs_behaviour:
            return np.ones(len(self.parts), bool)
        return self.model.item_counts[self.parts] > 0
