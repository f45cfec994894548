"""Recommendations that a person can read: titles, and what the model saw of whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from foretaste.data.schema import ITEM_ID, USER_ID
from foretaste.errors import InputError
from foretaste.models import Recommender

#: How many of a person's latest actions are shown.
RECENT = 5

_TITLE = "title"

Id = str | int


@dataclass(frozen=True)
class Person:
    """What is known of somebody, and what they are recommended.

    Attributes:
        name: The user id, or None for a history without one.
        events: Number of actions the model saw of them.
        recent: Their latest actions, newest first: `item_id`, `title`.
        recommendations: `rank`, `item_id`, `title`, `score`, `source`, best first.
    """

    name: Id | None
    events: int
    recent: pl.DataFrame
    recommendations: pl.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "user_id": self.name,
            "events": self.events,
            "recent": self.recent.to_dicts(),
            "recommendations": self.recommendations.to_dicts(),
        }


def look_at_users(
    model: Recommender, items: pl.DataFrame, users: Sequence[Id], k: int
) -> list[Person]:
    """Recommends to users the model knows.

    Args:
        model: A fitted model.
        items: The catalogue: `item_id` and, where there is one, `title`.
        users: User ids.
        k: Items a person.

    Raises:
        UnknownIdError: The model does not know one of the users.
        InputError: k is below 1 or larger than the catalogue.
    """
    histories = [model.history_of(user) for user in users]
    # As the data has them: 42 where "42" was typed.
    names = model.user_vocabulary.decode(model.user_vocabulary.encode(users)).to_list()
    return _look_at(model, items, names, histories, k)


def look_at_history(
    model: Recommender, items: pl.DataFrame, history: Sequence[Id], k: int
) -> Person:
    """Recommends to somebody the model has never seen.

    Args:
        model: A fitted model.
        items: The catalogue: `item_id` and, where there is one, `title`.
        history: Ids of the items they acted on, oldest first; unknown ones are
            passed over.
        k: Number of items.

    Raises:
        InputError: k is below 1 or larger than the catalogue.
    """
    return _look_at(model, items, [None], [history], k)[0]


def _look_at(
    model: Recommender,
    items: pl.DataFrame,
    names: Sequence[Id | None],
    histories: Sequence[Sequence[Id]],
    k: int,
) -> list[Person]:
    if k > len(model.item_vocabulary):
        raise InputError(
            f"there are only {len(model.item_vocabulary)} items to recommend, not {k}.", field="k"
        )
    titles = _titles(items)
    table = _with_titles(model.recommend(histories=histories, k=k), titles)
    return [
        Person(
            name,
            len(history),
            _with_titles(_recent(history, items[ITEM_ID].dtype), titles),
            table.filter(pl.col(USER_ID) == row).drop(USER_ID),
        )
        for row, (name, history) in enumerate(zip(names, histories, strict=True))
    ]


def _recent(history: Sequence[Id], dtype: pl.DataType) -> pl.DataFrame:
    latest = pl.Series(ITEM_ID, list(history[: -RECENT - 1 : -1]))
    return latest.cast(dtype).to_frame()


def _titles(items: pl.DataFrame) -> pl.DataFrame:
    if _TITLE not in items.columns:
        return items.select(ITEM_ID, pl.lit(None, pl.String).alias(_TITLE))
    return items.select(ITEM_ID, _TITLE)


def _with_titles(table: pl.DataFrame, titles: pl.DataFrame) -> pl.DataFrame:
    joined = table.join(titles, on=ITEM_ID, how="left", maintain_order="left")
    first = [name for name in (USER_ID, "rank", ITEM_ID, _TITLE) if name in joined.columns]
    return joined.select(*first, pl.exclude(first))
