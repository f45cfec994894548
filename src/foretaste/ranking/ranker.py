"""Ranked lists by ids: for people, page by page, and of items like an item."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged
from foretaste.data.schema import ITEM_ID, RECOMMENDATION_ID, USER_ID
from foretaste.errors import InputError
from foretaste.models.answering import FALLBACK
from foretaste.ranking.because import because_you_watched
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.events import EventLog
from foretaste.ranking.paging import RANK, InProcessStore, Pager, PageStore
from foretaste.ranking.pipeline import RankingPipeline
from foretaste.ranking.rules import check_parameters
from foretaste.ranking.stage import UNKNOWN_AGE, Request
from foretaste.ranking.trace import Trace

_AGE = "age"

Id = str | int


@dataclass(frozen=True)
class Recommended:
    """Lists, and how they came to be.

    Attributes:
        table: `user_id` (with histories: the row number), `item_id`, `rank` (from 1), `score`,
            `source` (joined by "+"), `propensity` (how likely the item was to be chosen for its
            place; 1 where nothing is left to chance) and `recommendation_id`.
        trace: What every stage did.
        recommendation_ids: One for each person, also for those whose list is empty.
    """

    table: pl.DataFrame
    trace: Trace
    recommendation_ids: tuple[str, ...]


class Ranker:
    """Answers requests with a pipeline.

    Args:
        pipeline: What ranks.
        events: People's events, for the rules that ask about them.
        store: Where lists are kept for their later pages; by default in this process.
    """

    def __init__(
        self,
        pipeline: RankingPipeline,
        *,
        events: EventLog | None = None,
        store: PageStore | None = None,
    ) -> None:
        self.pipeline = pipeline
        self._events = events
        self._pager: Pager | None = None
        paging = pipeline.config.paging
        if paging is not None:
            self._pager = Pager(store or InProcessStore(paging.lists), 60 * paging.minutes)

    def recommend(
        self,
        users: Sequence[Id] | pl.Series | None = None,
        histories: Sequence[Sequence[Id]] | None = None,
        k: int = 10,
        *,
        parameters: Mapping[str, Any] | None = None,
        ages: Sequence[int | None] | None = None,
        now: int | None = None,
        recommendation_ids: Sequence[str] | None = None,
    ) -> Recommended:
        """Recommends k items to each person.

        Args:
            users: User ids; one the model does not know gets popular items. Or
            histories: Item ids of each person, oldest first; unknown items are passed over.
            k: Items a page; fewer are returned where rules and safety leave fewer.
            parameters: Values of the `$names` in the rules.
            ages: Years, one a person; None where not known.
            now: Milliseconds since 1970, UTC; by default this moment.
            recommendation_ids: One a person, all different; by default random. Whatever is left
                to chance is drawn from them: equal ids give equal lists.

        Raises:
            InputError: Not exactly one of users and histories, k below 1, or ages or ids of
                another number of people.
            RuleError: A parameter is missing, unknown or of the wrong type.
        """
        people, rows = self.pipeline.model.people(users, histories)
        return self.answer(
            people,
            rows,
            k,
            named=users is not None,
            parameters=parameters,
            ages=ages,
            now=now,
            recommendation_ids=recommendation_ids,
        )

    def answer(
        self,
        people: pl.Series,
        rows: Ragged,
        k: int,
        *,
        named: bool = True,
        parameters: Mapping[str, Any] | None = None,
        ages: Sequence[int | None] | None = None,
        now: int | None = None,
        recommendation_ids: Sequence[str] | None = None,
    ) -> Recommended:
        """`recommend` to people whose histories are fresher than those the model holds.

        Args:
            people: Ids.
            rows: Their histories in item codes, oldest first.
            k: Items a page.
            named: Whether the ids are those of users, whose events rules may ask about.
            parameters: As in `recommend`, and so are the others.
            ages: Likewise.
            now: Likewise.
            recommendation_ids: Likewise.

        Raises:
            InputError: As in `recommend`.
            RuleError: Likewise.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        pipeline = self.pipeline
        check_parameters(parameters or {}, pipeline.rules.parameters)
        ids = _one_each(recommendation_ids, people) or [secrets.token_hex(16) for _ in people]
        if len(set(ids)) < len(ids):
            raise InputError("two lists can't have one id.", field="recommendation_ids")
        k = min(k, pipeline.catalogue.size)
        paging = pipeline.config.paging
        request = Request(
            histories=rows,
            k=k,
            depth=k if paging is None else max(k, paging.depth),
            ages=_ages(_one_each(ages, people), len(people)),
            parameters=parameters or {},
            now=round(time.time() * 1000) if now is None else now,
            events=self._events_of(people if named else people[:0]),
            seed=int.from_bytes(hashlib.sha256("\n".join(ids).encode()).digest()[:8]),
        )
        lists, trace = pipeline.rank(request)
        table = self._table(people, ids, rows, lists)
        if self._pager is not None:
            self._keep(self._pager, table, ids, lists.items.offsets, request.ages)
        return Recommended(_rows(table, np.flatnonzero(lists.places < k)), trace, tuple(ids))

    def page(self, recommendation_id: str, number: int, k: int = 10) -> pl.DataFrame:
        """A page of a list that was recommended; page one is what `recommend` gave.

        Pages have fixed places of the list, so that none repeats another. What has been blocked
        since is left out, and the page shorter for it.

        Args:
            recommendation_id: As `recommend` gave it.
            number: From 1.
            k: Items a page.

        Returns:
            As the table of `recommend`.

        Raises:
            InputError: Nothing is kept, the id is unknown or its time is over, or there is no
                such page.
        """
        if self._pager is None:
            raise InputError(
                "lists are not kept for later pages.",
                field="ranking.paging",
                hint="Give the configuration a section 'paging: {}'.",
            )
        page = self._pager.page(recommendation_id, number, k)
        codes = self.pipeline.catalogue.vocabulary.encode(page[ITEM_ID])
        safety = self.pipeline.safety
        ages = safety.known_ages(page[_AGE].to_numpy())
        # An item that has left the catalogue has code 0.
        shown = (codes != PADDING) & safety.verdict.allowed[codes]
        shown &= safety.least_age[codes] <= ages
        return page.filter(pl.Series(shown)).drop(_AGE)

    def similar(
        self,
        items: Sequence[Id],
        k: int = 10,
        *,
        parameters: Mapping[str, Any] | None = None,
        age: int | None = None,
    ) -> pl.DataFrame:
        """Items like items, under the rules that are about items alone, and safe.

        Returns:
            Columns `anchor_id`, `item_id`, `rank` (from 1), `score` and `source` ("content",
            "behaviour" or both).

        Raises:
            ConfigError: An item is unknown.
            InputError: k is below 1.
            RuleError: A parameter is missing, unknown or of the wrong type.
        """
        allowed = self._allowed(parameters, age)
        return self.pipeline.similar.table(list(items), k, allowed=allowed)

    def because_you_watched(
        self,
        users: Sequence[Id] | pl.Series | None = None,
        histories: Sequence[Sequence[Id]] | None = None,
        *,
        shelves: int = 3,
        k: int = 10,
        parameters: Mapping[str, Any] | None = None,
        age: int | None = None,
    ) -> pl.DataFrame:
        """Shelves of items like the latest of each history: see `because_you_watched`."""
        people, rows = self.pipeline.model.people(users, histories)
        return because_you_watched(
            self.pipeline.similar,
            rows,
            people,
            shelves=shelves,
            k=k,
            allowed=self._allowed(parameters, age),
        )

    def learn(self, items: Sequence[Id], rewards: Sequence[float]) -> None:
        """Tells the bandit what came of items that were shown.

        Args:
            items: Their ids.
            rewards: From 0 to 1, one an item.

        Raises:
            InputError: There is no bandit, an item is unknown or a reward outside.
        """
        if self.pipeline.bandit is None:
            raise InputError("nothing explores, so nothing learns.", field="ranking.exploration")
        codes = self.pipeline.catalogue.codes(list(items), ITEM_ID)
        self.pipeline.bandit.update(codes, np.asarray(rewards, np.float64))

    def _allowed(self, parameters: Mapping[str, Any] | None, age: int | None) -> NDArray[np.bool_]:
        check_parameters(parameters or {}, self.pipeline.rules.parameters)
        known = self.pipeline.safety.known_ages(_ages([age], 1))
        return self.pipeline.verdict(parameters or {}, int(known[0])).allowed

    def _events_of(self, people: pl.Series) -> pl.DataFrame | None:
        if self._events is None or not self.pipeline.needs_events:
            return None
        return self._events.of(people, self.pipeline.catalogue.vocabulary)

    def _table(
        self, people: pl.Series, ids: Sequence[str], histories: Ragged, lists: CandidateLists
    ) -> pl.DataFrame:
        model = self.pipeline.model
        # A model that has nothing to go by answers with what is popular, and says so.
        as_popular = [FALLBACK if name == model.name else name for name in lists.sources]
        by_popularity = model.answered_by_popularity(histories)[lists.rows]
        sources = np.where(
            by_popularity, lists.source_labels(as_popular), lists.source_labels(lists.sources)
        )
        return pl.DataFrame(
            {
                USER_ID: people[lists.rows],
                ITEM_ID: self.pipeline.catalogue.vocabulary.decode(lists.items.values),
                RANK: (lists.places + 1).astype(np.int32),
                "score": lists.scores,
                "source": sources,
                "propensity": lists.propensities,
                RECOMMENDATION_ID: pl.Series(ids, dtype=pl.String)[lists.rows],
            }
        )

    def _keep(
        self,
        pager: Pager,
        table: pl.DataFrame,
        ids: Sequence[str],
        offsets: NDArray[np.int64],
        ages: NDArray[np.int64],
    ) -> None:
        aged = table.hstack([pl.Series(_AGE, np.repeat(ages, np.diff(offsets)))])
        for row, recommendation_id in enumerate(ids):
            start, end = int(offsets[row]), int(offsets[row + 1])
            pager.keep(recommendation_id, aged[start:end])


def _rows(table: pl.DataFrame, where: NDArray[np.int64]) -> pl.DataFrame:
    """Rows of a table, column by column.

    A frame as a whole wakes a pool of threads for it, which on a busy machine takes milliseconds.
    """
    return pl.DataFrame([column[where] for column in table])


def _one_each(values: Sequence[Any] | None, people: pl.Series) -> list[Any]:
    """The values, one a person; none at all where they are not given."""
    if values is None:
        return []
    if len(values) != len(people):
        raise InputError(f"{len(values)} values were given for {len(people)} people.")
    return list(values)


def _ages(ages: Sequence[int | None], people: int) -> NDArray[np.int64]:
    if not ages:
        return np.full(people, UNKNOWN_AGE, np.int64)
    return np.array([UNKNOWN_AGE if age is None else age for age in ages], np.int64)
