"""What a query is about: the categories and other attributes of what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.search.analysis import words_of

#: Results that have a say, the first most of all; guesses that are kept.
_VOTERS = 50
_KEPT = 3

#: How much nearer to certain a value becomes when the query names it in full.
_NAMED = 0.5


@dataclass(frozen=True)
class Guess:
    """A value that the query may be about.

    Attributes:
        value: Of the attribute.
        probability: Share of the votes of the results, raised where the query names the value.
    """

    value: str
    probability: float


@dataclass(frozen=True)
class Intent:
    """What a query is about.

    Attributes:
        guesses: By attribute (`categories`, `brand`, …), the most telling first.
    """

    guesses: dict[str, tuple[Guess, ...]]

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """The same as plain data."""
        return {name: [asdict(guess) for guess in kept] for name, kept in self.guesses.items()}


class IntentFinder:
    """Foretells attributes of what is wanted from the attributes of what was found.

    The nearest items vote (a nearest neighbour classifier over words and vectors: nothing to be
    trained, and new items vote at once), the one at rank r with weight 1/r. Values are ordered by
    their part in the divergence of the votes from the catalogue, ``p log(p / prior)``: a category
    that holds everything tells nothing.

    Args:
        items: The catalogue, whose row number + 1 is the code of an item.
        attributes: Columns that hold strings or lists of them.
    """

    def __init__(self, items: pl.DataFrame, attributes: Sequence[str]) -> None:
        self._values = {name: _long(items, name) for name in attributes}
        self._priors = {name: _shares(table) for name, table in self._values.items()}
        self._items = max(1, len(items))

    def find(self, words: Sequence[str], codes: NDArray[np.int32]) -> Intent:
        """What the query is about.

        Args:
            words: Of the query, as `words_of` gives them.
            codes: int32[n], what it found, best first.
        """
        voters = pl.DataFrame({"code": codes[:_VOTERS]}).with_columns(
            vote=1 / (pl.int_range(pl.len()) + 1)
        )
        return Intent({name: self._guesses(name, set(words), voters) for name in self._values})

    def _guesses(self, name: str, words: set[str], voters: pl.DataFrame) -> tuple[Guess, ...]:
        votes = (
            voters.join(self._values[name], on="code")
            .group_by("value")
            .agg(votes=pl.col("vote").sum() / voters["vote"].sum())
            .join(self._priors[name], on="value")
        )
        named = [words.issuperset(words_of(value) or [""]) for value in votes["value"]]
        raised = pl.Series(named, dtype=pl.Boolean).cast(pl.Float64) * _NAMED
        p = votes["votes"] + (1 - votes["votes"]) * raised
        prior = votes["items"] / self._items
        ordered = votes.with_columns(p=p, telling=p * (p / prior).log()).sort(
            "telling", "value", descending=[True, False]
        )
        kept = ordered.filter(pl.col("telling") > 0)[:_KEPT]
        return tuple(Guess(value, p) for value, p in kept.select("value", "p").iter_rows())


def _long(items: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row for each value of each item: `code`, `value`."""
    table = items.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("code"), value=name)
    if table["value"].dtype == pl.List:
        table = table.explode("value")
    return table.with_columns(pl.col("value").cast(pl.String)).drop_nulls().unique()


def _shares(table: pl.DataFrame) -> pl.DataFrame:
    return table.group_by("value").agg(items=pl.len())
