"""Recommendations that a person can read: titles, and what the model saw of whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from foretaste.data.schema import ITEM_ID, RECOMMENDATION_ID, USER_ID
from foretaste.errors import InputError
from foretaste.models import Recommender
from foretaste.ranking import Ranker, Recommended

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
        note: Why there are fewer than were asked for, where rules and safety are at work.
    """

    name: Id | None
    events: int
    recent: pl.DataFrame
    recommendations: pl.DataFrame
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "user_id": self.name,
            "events": self.events,
            "recent": self.recent.to_dicts(),
            "recommendations": self.recommendations.to_dicts(),
            "note": self.note,
        }


def look_at_users(
    model: Recommender,
    items: pl.DataFrame,
    users: Sequence[Id],
    k: int,
    *,
    ranker: Ranker | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> list[Person]:
    """Recommends to users the model knows.

    Args:
        model: A fitted model.
        items: The catalogue: `item_id` and, where there is one, `title`.
        users: User ids.
        k: Items a person.
        ranker: Takes the model's scores through rules, safety and diversity.
        parameters: Values of the `$names` in its rules.

    Raises:
        UnknownIdError: The model does not know one of the users.
        InputError: k is below 1 or larger than the catalogue, or the rules do not fit.
    """
    histories = [model.history_of(user) for user in users]
    # As the data has them: 42 where "42" was typed.
    names = model.user_vocabulary.decode(model.user_vocabulary.encode(users)).to_list()
    _check_length(k, model)
    lists = (
        _lists_of_model(model, histories, k)
        if ranker is None
        else _lists_of_ranker(ranker.recommend(users=names, k=k, parameters=parameters), k)
    )
    return _look_at(items, names, histories, lists)


def look_at_history(
    model: Recommender,
    items: pl.DataFrame,
    history: Sequence[Id],
    k: int,
    *,
    ranker: Ranker | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Person:
    """Recommends to somebody the model has never seen.

    Args:
        model: A fitted model.
        items: The catalogue: `item_id` and, where there is one, `title`.
        history: Ids of the items they acted on, oldest first; unknown ones are
            passed over.
        k: Number of items.
        ranker: Takes the model's scores through rules, safety and diversity.
        parameters: Values of the `$names` in its rules.

    Raises:
        InputError: k is below 1 or larger than the catalogue, or the rules do not fit.
    """
    _check_length(k, model)
    lists = (
        _lists_of_model(model, [history], k)
        if ranker is None
        else _lists_of_ranker(ranker.recommend(histories=[history], k=k, parameters=parameters), k)
    )
    return _look_at(items, [None], [history], lists)[0]


def _check_length(k: int, model: Recommender) -> None:
    if k > len(model.item_vocabulary):
        raise InputError(
            f"there are only {len(model.item_vocabulary)} items to recommend, not {k}.", field="k"
        )


#: A person's list, and why it is shorter than it might be.
_List = tuple[pl.DataFrame, str | None]


def _lists_of_model(model: Recommender, histories: Sequence[Sequence[Id]], k: int) -> list[_List]:
    table = model.recommend(histories=histories, k=k)
    return [
        (table.filter(pl.col(USER_ID) == row).drop(USER_ID), None) for row in range(len(histories))
    ]


def _lists_of_ranker(recommended: Recommended, k: int) -> list[_List]:
    lists: list[_List] = []
    for row, recommendation_id in enumerate(recommended.recommendation_ids):
        table = recommended.table.filter(pl.col(RECOMMENDATION_ID) == recommendation_id)
        note = recommended.trace.why_so_few(row) if len(table) < k else None
        lists.append((table.select("rank", ITEM_ID, "score", "source"), note))
    return lists


def _look_at(
    items: pl.DataFrame,
    names: Sequence[Id | None],
    histories: Sequence[Sequence[Id]],
    lists: Sequence[_List],
) -> list[Person]:
    titles = _titles(items)
    return [
        Person(
            name,
            len(history),
            _with_titles(_recent(history, items[ITEM_ID].dtype), titles),
            _with_titles(table, titles),
            note,
        )
        for name, history, (table, note) in zip(names, histories, lists, strict=True)
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
    first = [name for name in ("rank", ITEM_ID, _TITLE) if name in joined.columns]
    return joined.select(*first, pl.exclude(first))
