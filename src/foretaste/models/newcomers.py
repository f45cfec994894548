"""People of whom little is known yet: by their group, by what they say, by their first clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import Encoder
from foretaste.content.unit import unit
from foretaste.data import PADDING, Ragged, Vocabulary
from foretaste.data.schema import ITEM_ID, TEXT_COLUMNS, USER_ID
from foretaste.errors import DataError, InputError
from foretaste.models.answering import FALLBACK
from foretaste.models.base import Recommender
from foretaste.models.top_k import top_k

#: Columns of a table of newcomers beside their attributes.
HISTORY, INTERESTS = "history", "interests"

#: What answers are said to come from, beside the model and popularity.
GROUP = "group"

#: Numbers with more values than this are cut into as many groups of like size.
_GROUPS = 8

#: A group is believed as if people at large had acted in it so many times an item, on average;
#: from held-out people of MovieLens-100k and 1M, as is the sharpness.
_PRIOR = 5.0

#: What a cosine of 1 between the words of an item and the interests adds to the log of the
#: chance of the item.
_SHARPNESS = 2.0

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Attribute:
    """How popular items are among the people who share a value of an attribute.

    Attributes:
        edges: float64[groups - 1], where numbers are cut; None where values are taken as they are.
        values: The values, or the numbers of the groups.
        ratios: float32[values + 1, items + 1], the log of how much likelier an item is in the
            group than at large; row 0 is for the unknown, and zero.
    """

    edges: NDArray[np.float64] | None
    values: Vocabulary
    ratios: Floats

    @classmethod
    def of(cls, column: pl.Series, histories: Ragged, items: int) -> Attribute:
        """What the people, one for every history, did; nulls belong to no group.

        Args:
            column: A value a person.
            histories: Item codes.
            items: Codes of items, with padding.
        """
        edges = None
        if column.dtype.is_numeric() and column.n_unique() > _GROUPS:
            shares = np.linspace(0, 1, _GROUPS + 1)[1:-1]
            edges = np.unique(np.quantile(column.drop_nulls().to_numpy(), shares))
        groups = _grouped(column, edges)
        values = Vocabulary.of(groups.drop_nulls())
        group = values.encode(groups)[histories.row_of_value]
        cells = np.bincount(
            group.astype(np.int64) * items + histories.values, minlength=values.size * items
        )
        counts = cells.reshape(values.size, items).astype(np.float64)
        chance = counts.sum(axis=0) / max(counts.sum(), 1)
        prior = _PRIOR * items
        among = (counts + prior * chance) / (counts.sum(axis=1, keepdims=True) + prior)
        # Of an item that nobody acted on, no group says anything.
        ratios = np.log(np.divide(among, chance, out=np.ones_like(among), where=chance > 0))
        ratios[PADDING] = 0
        return cls(edges, values, ratios.astype(np.float32))

    def among(self, column: pl.Series) -> Floats:
        """float32[people, items + 1], zero for people whose value is null or was never met."""
        return self.ratios[self.values.encode(_grouped(column, self.edges))]


class Newcomers:
    """Recommends to people who are new, from the most telling thing that is known of them.

    First clicks go before all else: who has any is answered by the model, as everybody is. The
    others get the items likeliest for what they are and say, as naive Bayes puts it together: the
    popularity of an item, times how much likelier it is in each of the person's groups
    (`Attribute`), times ``exp(sharpness * cosine)`` of its words to the interests they state.

    Args:
        model: Fitted; its people's histories tell what groups like.
        users: Attributes of its people, with the column `user_id`.
        attributes: Columns of `users` that make groups.
        items: The catalogue, for interests: `item_id` and what the encoder reads.
        encoder: Of the words of items and of interests, likewise.

    Raises:
        DataError: An attribute is no column of `users`, or items lack what the encoder reads.
    """

    def __init__(
        self,
        model: Recommender,
        *,
        users: pl.DataFrame | None = None,
        attributes: Sequence[str] = (),
        items: pl.DataFrame | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._model = model
        self._attributes = _attributes(model, users, attributes)
        self._encoder = encoder
        self._words: Floats | None = None
        if encoder is not None and items is not None:
            known = model.item_vocabulary.ids.alias(ITEM_ID).to_frame()
            table = known.join(items, on=ITEM_ID, how="left", maintain_order="left")
            self._words = np.pad(unit(encoder.encode(table)), ((1, 0), (0, 0)))

    def recommend(self, people: pl.DataFrame, k: int = 10) -> pl.DataFrame:
        """Recommends k items to each person.

        Args:
            people: One row a person, with any of the columns `history` (a list of item ids, oldest
                first), `interests` (a text) and the attributes; nulls are for what is not known.
            k: Items a person.

        Returns:
            As `Recommender.recommend`, people by row number from 0. `source` is the model's name,
            "interests", "group" or "popularity", the first of them that says something.

        Raises:
            InputError: k is below 1, or interests are stated and there is no encoder.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        histories = self._histories(people)
        scores = self.scores(people)
        by_model = ~self._model.answered_by_popularity(histories)
        if by_model.any():
            scores[by_model] = self._model.score_all(histories.take(np.flatnonzero(by_model)))
        scores[:, PADDING] = -np.inf
        scores[histories.row_of_value, histories.values] = -np.inf
        items, values = top_k(scores, k)
        rows, ranks = np.nonzero(items != PADDING)
        return pl.DataFrame(
            {
                USER_ID: rows,
                ITEM_ID: self._model.item_vocabulary.decode(items[rows, ranks]),
                "rank": (ranks + 1).astype(np.int32),
                "score": values[rows, ranks],
                "source": np.where(by_model, self._model.name, self._sources(people))[rows],
            }
        )

    def scores(self, people: pl.DataFrame) -> Floats:
        """What can be said without a history, float32[people, items + 1]: logs of chances.

        Raises:
            InputError: Interests are stated and there is no encoder.
        """
        counts = self._model.item_counts
        scores = np.tile(np.log((counts + 1) / (counts.sum() + len(counts))), (len(people), 1))
        for name, attribute in self._attributes.items():
            if name in people.columns:
                scores += attribute.among(people[name])
        if INTERESTS in people.columns:
            stated = np.flatnonzero(_stated(people))
            scores[stated] += _SHARPNESS * self._likeness(people[INTERESTS].gather(stated))
        return scores.astype(np.float32)

    def _likeness(self, texts: pl.Series) -> Floats:
        if self._words is None or self._encoder is None:
            raise InputError(
                "there is nothing to read interests with.",
                field=INTERESTS,
                hint="Give items= and encoder=, such as TextEncoder().",
            )
        if texts.is_empty():
            return np.empty((0, len(self._words)), np.float32)
        # As an item of which only a title is known.
        empty = {name: pl.Series(name, [None] * len(texts), pl.String) for name in TEXT_COLUMNS}
        said = pl.DataFrame(empty | {TEXT_COLUMNS[0]: texts})
        return unit(self._encoder.encode(said)) @ self._words.T

    def _histories(self, people: pl.DataFrame) -> Ragged:
        if HISTORY not in people.columns:
            return Ragged.from_rows([[]] * len(people))
        return Ragged.from_rows(
            self._model.known.codes_of(history or []) for history in people[HISTORY].to_list()
        )

    def _sources(self, people: pl.DataFrame) -> NDArray[np.str_]:
        sources = np.full(len(people), FALLBACK, dtype=object)
        for name in self._attributes:
            if name in people.columns:
                sources[people[name].is_not_null().to_numpy()] = GROUP
        if INTERESTS in people.columns:
            sources[_stated(people)] = INTERESTS
        return sources.astype(np.str_)


def _attributes(
    model: Recommender, users: pl.DataFrame | None, names: Sequence[str]
) -> Mapping[str, Attribute]:
    if users is None or not names:
        return {}
    known = model.user_vocabulary.ids.alias(USER_ID).to_frame()
    table = known.join(users, on=USER_ID, how="left", maintain_order="left")
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DataError(
            f"the users have no such column (found: {', '.join(users.columns)}).", field=missing[0]
        )
    size = model.item_vocabulary.size
    return {name: Attribute.of(table[name], model.histories, size) for name in names}


def _grouped(column: pl.Series, edges: NDArray[np.float64] | None) -> pl.Series:
    """The values as strings; of numbers that are cut, the number of the group."""
    if edges is None:
        return column.cast(pl.String)
    places = pl.Series(np.searchsorted(edges, column.cast(pl.Float64).fill_null(0), side="right"))
    return pl.select(pl.when(column.is_null()).then(None).otherwise(places)).to_series().cast(str)


def _stated(people: pl.DataFrame) -> NDArray[np.bool_]:
    return people[INTERESTS].fill_null("").str.strip_chars().ne("").to_numpy()
