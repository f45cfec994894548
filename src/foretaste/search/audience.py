"""The people most likely to respond to an item or an advertisement: recommendation turned round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.data import PADDING, Dataset, Ragged
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from foretaste.errors import DataError, InputError, UnknownIdError
from foretaste.models import Recommender
from foretaste.search.engine import SearchEngine

Id = str | int

_DAY = 86_400_000

#: People who are scored at a time.
_BLOCK = 1024


class AudienceConfig(Config):
    """Who may be in an audience.

    Attributes:
        smallest: A smaller audience is refused, so that it never points at anybody.
        cap: Most times a person is shown the advertisement.
        cap_days: Within so many days.
        references: Items drawn at random against which a person's score is held.
        seed: Of the draw.
    """

    smallest: int = Field(default=20, ge=1)
    cap: int = Field(default=3, ge=1)
    cap_days: float = Field(default=7, gt=0)
    references: int = Field(default=256, ge=2)
    seed: int = Field(default=0, ge=0)


def find_audience(
    model: Recommender,
    dataset: Dataset,
    items: Sequence[Id],
    k: int,
    *,
    shown: pl.DataFrame | None = None,
    now: int | None = None,
    refused: Sequence[Id] = (),
    config: AudienceConfig | None = None,
) -> pl.DataFrame:
    """The k people who like an item most, against what else they like.

    A person's score is how many standard deviations the item stands above random items for them:
    raw scores of two people can't be compared. Of several items it is the mean. Left out are
    people who acted on one of the items, those of whom nothing is known, those who refused, and
    those who were shown the advertisement as often as the cap allows.

    Args:
        model: A fitted model.
        dataset: The people and what they acted on, with the model's items.
        items: What is advertised; or, for an advertisement without an item, the items most like
            it (`items_like`).
        k: People at most.
        shown: Who was shown this advertisement and when: `user_id`, `timestamp` (milliseconds
            since 1970). Needs `now`.
        now: The time from which the cap looks back, likewise.
        refused: Ids of people who do not want to be advertised to.
        config: Who may be in an audience.

    Returns:
        Columns `user_id`, `rank` and `score`, best first. Nothing of what the people did.

    Raises:
        UnknownIdError: The model does not know an item.
        DataError: `shown` lacks a column.
        InputError: k is below 1, `now` is missing, the data set has other items than the model,
            or the audience would be smaller than is allowed.
    """
    config = config or AudienceConfig()
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}.", field="k")
    if dataset.item_vocabulary != model.item_vocabulary:
        raise InputError("the data set has other items than the model.", field="dataset")
    wanted = _codes(model, items)
    histories = dataset.histories()
    free = (histories.lengths > 0) & ~_acted_on(histories, wanted)
    free[_rows(dataset, pl.Series(USER_ID, list(refused)))] = False
    if shown is not None:
        free[_rows(dataset, _capped(shown, now, config))] = False
    people = np.flatnonzero(free)
    if min(len(people), k) < config.smallest:
        raise InputError(
            f"the audience would be of {min(len(people), k)} people, and the smallest allowed is "
            f"of {config.smallest}.",
            field="k",
            hint="Ask for more people, or for an advertisement that more may see.",
        )
    scores = standing(model, histories.take(people), wanted, config)
    order = np.lexsort((people, -scores))[:k]
    return pl.DataFrame(
        {
            USER_ID: dataset.user_vocabulary.decode((people[order] + 1).astype(np.int32)),
            "rank": np.arange(1, len(order) + 1, dtype=np.int32),
            "score": scores[order],
        }
    )


def items_like(engine: SearchEngine, model: Recommender, text: str, k: int = 10) -> list[Id]:
    """The items that are most like the text of an advertisement, for `find_audience`.

    Raises:
        InputError: The text has no words, or no item the model knows is like it.
    """
    found = engine.search(text, k).items[ITEM_ID]
    known = found.filter(model.item_vocabulary.encode(found) != PADDING)
    if known.is_empty():
        raise InputError("no item is like this text.", field="text")
    return known.to_list()


def standing(
    model: Recommender, histories: Ragged, items: NDArray[np.int32], config: AudienceConfig
) -> NDArray[np.float64]:
    """How far items stand out for each history.

    Args:
        model: A fitted model.
        histories: Item codes, none of the rows empty.
        items: int32[m], codes.
        config: `references` and `seed`.

    Returns:
        float64[rows]: standard deviations above the mean of random items.
    """
    every = np.arange(1, model.item_vocabulary.size, dtype=np.int32)
    drawn = np.random.default_rng(config.seed).permutation(every)[: config.references]
    candidates = np.union1d(items, drawn).astype(np.int32)
    found: list[NDArray[np.float64]] = [np.empty(0)]
    for start in range(0, len(histories), _BLOCK):
        rows = histories.take(np.arange(start, min(start + _BLOCK, len(histories))))
        ranking = model.rank(rows, len(candidates), exclude_seen=False, candidates=candidates)
        # Back from the order of the ranking to that of the candidates, which is by code.
        places = np.argsort(ranking.items, axis=1)
        scores = np.take_along_axis(ranking.scores, places, axis=1).astype(np.float64)
        reference = scores[:, np.isin(candidates, drawn)]
        spread = np.maximum(reference.std(axis=1), np.finfo(np.float32).tiny)
        wanted = scores[:, np.isin(candidates, items)].mean(axis=1)
        found.append((wanted - reference.mean(axis=1)) / spread)
    return np.concatenate(found)


def _codes(model: Recommender, items: Sequence[Id]) -> NDArray[np.int32]:
    codes = model.item_vocabulary.encode(items)
    unknown = np.flatnonzero(codes == PADDING)
    if len(unknown) or not len(codes):
        said = repr(items[unknown[0]]) if len(unknown) else "to advertise"
        raise UnknownIdError(f"there is no item {said}.", field=ITEM_ID)
    return np.unique(codes)


def _acted_on(histories: Ragged, items: NDArray[np.int32]) -> NDArray[np.bool_]:
    hits = np.isin(histories.values, items)
    return np.bincount(histories.row_of_value[hits], minlength=len(histories)) > 0


def _rows(dataset: Dataset, users: pl.Series) -> NDArray[np.int64]:
    """Rows of the histories of those users that the data set knows."""
    codes = dataset.user_vocabulary.encode(users)
    return codes[codes != PADDING].astype(np.int64) - 1


def _capped(shown: pl.DataFrame, now: int | None, config: AudienceConfig) -> pl.Series:
    """Users who were shown it as often as they may be."""
    for column in (USER_ID, TIMESTAMP):
        if column not in shown.columns:
            raise DataError("the table of what was shown has no such column.", field=column)
    if now is None:
        raise InputError("a cap looks back from a time.", field="now", hint="Give now=.")
    recent = shown.filter(pl.col(TIMESTAMP) > now - round(config.cap_days * _DAY))
    counts = recent.group_by(USER_ID).agg(times=pl.len())
    return counts.filter(pl.col("times") >= config.cap)[USER_ID]
