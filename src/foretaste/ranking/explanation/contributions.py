"""What each item of a history adds to the score of one item: exactly, or by leaving it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foretaste.data import Ragged
from foretaste.ranking.explanation.case import Case

Contributions = NDArray[np.float64]

#: Gives float64[parts], what every part of a case's history adds to its score.
Explainer = Callable[[Case], Contributions]


@runtime_checkable
class Additive(Protocol):
    """A model whose score is a sum over the actions of the history."""

    def contributions(self, histories: Ragged, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32[total]: what each action adds to the score of its row's item."""
        ...


def exact(case: Case) -> Contributions:
    """float64[parts], which add up to the score.

    Raises:
        TypeError: The model's score is no sum over the history; use `leave_one_out`.
    """
    if not isinstance(case.model, Additive):
        raise TypeError(f"{type(case.model).__name__} is no sum over the history")
    if not case.says_something:
        return np.zeros(len(case.parts))
    one_row = Ragged.from_rows([case.history])
    added = case.model.contributions(one_row, np.array([case.item], np.int32))
    return case.by_part(added)


def leave_one_out(case: Case) -> Contributions:
    """float64[parts]: how far the score falls without each part, for any model."""
    return case.score - case.scores(~np.eye(len(case.parts), dtype=bool))
