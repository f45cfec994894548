"""One version of a model with its catalogue, ready to answer."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from foretaste.artifacts import Run
from foretaste.content import TextEncoder
from foretaste.data import PADDING, Ragged
from foretaste.data.schema import ITEM_ID, RECOMMENDATION_ID
from foretaste.errors import DataError, ForetasteError, InputError, UnknownIdError
from foretaste.models.reading import encoder_of
from foretaste.pipeline import serving_ranker
from foretaste.ranking import PageStore, Ranker, Recommended, RuleError
from foretaste.ranking.explanation import Explanation, explain
from foretaste.search import SearchEngine, SearchResult, Seeker, Suggester
from foretaste.serving.answers import Ask, Given, GivenItem, StageTold, reason_of
from foretaste.serving.catalogue import changed_table
from foretaste.serving.histories import Histories, LiveEvents
from foretaste.serving.store.base import Fields

#: What is searched is made anew after changes, at most so often.
_TEXTS_SECONDS = 60

#: Of larger catalogues what search needs is made when somebody searches first: it takes minutes.
_PREPARED_UP_TO = 200_000

#: Answers that may be in a popularity list, which is made beforehand.
_POPULAR = 100


@dataclass(frozen=True)
class _Texts:
    """What is searched; how often the catalogue had changed when it was made, and when that was."""

    search: SearchEngine
    suggester: Suggester
    change: int
    made: float


class Engine:
    """Answers with one model; calls may come from several threads, one at a time is worked on.

    Args:
        run: The run folder; its model is this engine's own.
        version: Its name in the registry.
        events_until: Number of the last event in the store that the model has learnt from.
        created: When it was made, milliseconds since 1970; of people who were erased later, it
            must not remember anything.
        histories: What people did since.
        pages: Where lists are kept for their later pages.
        changes: What the catalogue has become since the run; fields by id, None for withdrawn.

    Raises:
        ArtifactError: The run can't be understood.
        InputError: Its section `ranking` does not fit.
    """

    def __init__(
        self,
        run: Run,
        *,
        version: str,
        events_until: int,
        created: int,
        histories: Histories,
        pages: PageStore,
        changes: Mapping[str, Fields | None],
    ) -> None:
        self.version = version
        self.run = run
        self.model = run.model
        self.items = run.items
        self._since = events_until
        self._created = created
        self._histories = histories
        self._pages = pages
        self._withdrawn: frozenset[str] = frozenset()
        self._searched: _Texts | None = None
        self._change = 0
        self._lock, self._texts_lock = threading.RLock(), threading.Lock()
        self._encoder = encoder_of(self.model)
        if isinstance(self._encoder, TextEncoder):
            self._encoder.warm_up()
        self.ranker = self._made_ranker(self.items, self._withdrawn)
        self.update(changes)
        if len(self.items) <= _PREPARED_UP_TO:
            self.prepare()

    # Answers.

    def recommend(self, asks: Sequence[Ask]) -> list[Given | ForetasteError]:
        """Lists for several people at once; what is wrong with one ask is only its own answer."""
        with self._lock:
            rows, known = self._rows(asks)
            answers: list[Given | ForetasteError] = [InputError("not answered")] * len(asks)
            alike: defaultdict[str, list[int]] = defaultdict(list)
            for place, ask in enumerate(asks):
                named = ask.user_id is not None
                alike[json.dumps([named, ask.k, ask.parameters], sort_keys=True)].append(place)
            for places in alike.values():
                group = [asks[place] for place in places]
                try:
                    found = self._ranked(group, rows.take(np.array(places)))
                except InputError as error:
                    for place in places:
                        answers[place] = error
                    continue
                stages, items = _stages(found), _items_by_list(found)
                for row, place in enumerate(places):
                    ask = asks[place]
                    mine = items[ask.recommendation_id]
                    answers[place] = Given(
                        recommendation_id=ask.recommendation_id,
                        model_version=self.version,
                        items=self._with_reasons(ask, mine) if ask.reasons else tuple(mine),
                        degraded="" if known else "store",
                        stages=stages,
                        note=found.trace.why_so_few(row) if len(mine) < ask.k else "",
                    )
            return answers

    def popular(self, ask: Ask, why: str) -> Given:
        """What is popular, for when nothing better can be told."""
        items = tuple(
            GivenItem(item, rank, score, "popularity", reason_of("popularity"))
            for rank, (item, score) in enumerate(self._popular[: ask.k], 1)
        )
        return Given(ask.recommendation_id, self.version, items, degraded=why)

    def rank(self, ask: Ask, item_ids: Sequence[str]) -> Given:
        """Given items in the order that suits somebody; those that may not be shown are left out.

        Raises:
            InputError: None of them is known.
            RuleError: A parameter does not fit.
        """
        with self._lock:
            codes = self.model.item_vocabulary.encode(list(item_ids))
            codes = np.unique(codes[codes != PADDING])
            if not len(codes):
                raise UnknownIdError("none of the items is known.", field="items")
            codes = codes[self._allowed(ask)[codes]]
            rows, known = self._rows([ask])
            scores = self.model.score_rows(rows, Ragged.from_rows([codes]))
            order = np.lexsort((codes, -scores))[: ask.k]
            [fallback] = self.model.answered_by_popularity(rows)
            source = "popularity" if fallback else self.model.name
            ids = self.model.item_vocabulary.decode(codes[order])
            items = tuple(
                GivenItem(str(item), rank, float(score), source, reason_of(source))
                for rank, (item, score) in enumerate(zip(ids, scores[order], strict=True), 1)
            )
            return Given(ask.recommendation_id, self.version, items, "" if known else "store")

    def page(self, recommendation_id: str, number: int, k: int) -> list[GivenItem]:
        """A later page of a list.

        Raises:
            InputError: There is no such list or page.
        """
        with self._lock:
            table = self.ranker.page(recommendation_id, number, k)
        return [_item(row) for row in table.iter_rows(named=True)]

    def similar(self, item_id: str, k: int) -> list[GivenItem]:
        """Items like an item.

        Raises:
            UnknownIdError: There is no such item.
        """
        with self._lock:
            self._require(item_id)
            table = self.ranker.similar([item_id], k)
        return [_item(row) for row in table.iter_rows(named=True)]

    def search(self, query: str, k: int, ask: Ask, slider: float) -> SearchResult:
        """Finds items for words, in the order that suits somebody.

        Raises:
            InputError: The query has no words, or the catalogue none to search.
        """
        texts = self._texts()
        with self._lock:
            allowed = np.flatnonzero(self._allowed(ask)).astype(np.int32)
            ids = self.model.item_vocabulary.decode(allowed).to_list()
            seeker = Seeker(self.model, self.history_of(ask))
            return texts.search.search(query, k, seeker=seeker, slider=slider, allowed=ids)

    def suggest(self, typed: str, k: int, ask: Ask) -> pl.DataFrame:
        """Completes what is typed; see `Suggester.suggest`.

        Raises:
            InputError: The items have no titles.
        """
        texts = self._texts()
        with self._lock:
            seeker = Seeker(self.model, self.history_of(ask)) if ask.user_id else None
            return texts.suggester.suggest(typed, k, seeker=seeker)

    def prepare(self) -> None:
        """Makes what search needs, so that no search waits for it."""
        with suppress(InputError):  # The catalogue may have no words.
            self._texts()

    def search_again(self) -> None:
        """Makes what search needs anew after changes, at times.

        New items are found at once; changed words and new suggestions within a minute.
        """
        found = self._searched
        if found is None or found.change == self._change:
            return
        if time.monotonic() - found.made > _TEXTS_SECONDS:
            made = self._read_texts()
            with self._texts_lock:
                self._searched = made

    def explain(self, ask: Ask, item_id: str) -> Explanation:
        """Why an item would be shown to somebody.

        Raises:
            UnknownIdError: There is no such item.
        """
        with self._lock:
            self._require(item_id)
            history = self.history_of(ask)
            return explain(self.model, self.items, history, item_id, encoder=self._encoder)

    def history_of(self, ask: Ask) -> list[str | int]:
        """Ids of the known items that somebody acted on, oldest first."""
        rows, _ = self._rows([ask])
        return self.model.item_vocabulary.decode(rows.values).to_list()

    # The catalogue.

    def update(self, changes: Mapping[str, Fields | None]) -> None:
        """Takes in what the catalogue has become: new items can be recommended from now on.

        What is changed of an item counts at once for rules and reasons; the model reads it when
        it learns next.

        Args:
            changes: Fields by id; None for an item that is withdrawn.
        """
        table = changed_table(changes, self.items)
        if self._encoder is not None and not table.is_empty():
            self._encoder.encode(table)  # Into its cache, while others still get answers.
        with self._lock:
            withdrawn = frozenset(
                (self._withdrawn | {i for i, fields in changes.items() if fields is None})
                - {i for i, fields in changes.items() if fields is not None}
            )
            items = self.items
            if not table.is_empty():
                stay = items.join(table.select(ITEM_ID), on=ITEM_ID, how="anti")
                items = pl.concat([stay, table], how="diagonal")
                self.model.add_items(table)
            self.ranker = self._made_ranker(items, withdrawn)
            self.items, self._withdrawn = items, withdrawn
            self._change += 1
            self._popular = self._most_popular()
            if self._searched is not None and not table.is_empty():
                self._searched.search.add(table)

    def fields_of(self, item_id: str) -> dict[str, Any] | None:
        """What is known of an item; None where there is none or it was withdrawn."""
        code = self.model.item_vocabulary.encode([item_id])[0]
        if code == PADDING or item_id in self._withdrawn:
            return None
        [known] = self.model.item_vocabulary.decode(np.array([code]))
        rows = self.items.filter(pl.col(ITEM_ID) == known)
        return {} if rows.is_empty() else rows.row(0, named=True)

    # Inside.

    def _made_ranker(self, items: pl.DataFrame, withdrawn: frozenset[str]) -> Ranker:
        return serving_ranker(
            self.run,
            items,
            blocked=sorted(withdrawn),
            live=lambda learnt: LiveEvents(learnt, self._histories),
            pages=self._pages,
        )

    def _rows(self, asks: Sequence[Ask]) -> tuple[Ragged, bool]:
        """Histories in codes: what the model remembers, and what came since; and whether known."""
        users = [ask.user_id for ask in asks if ask.user_id is not None]
        found, known = self._histories.or_none(users)
        fresh = iter(found)
        codes_of_users = iter(self.model.user_vocabulary.encode(users) if users else ())
        parts, ids, lengths = [], list[str](), []
        for ask in asks:
            past = np.empty(0, np.int32)
            since = list(ask.history)
            if ask.user_id is not None:
                code = next(codes_of_users)
                if code != PADDING and not self._histories.erased(ask.user_id, self._created):
                    past = self.model.histories[int(code) - 1]
                since = [p.item_id for p in next(fresh) if p.seq > self._since] + since
            parts.append(past)
            ids += since
            lengths.append(len(since))
        codes = self.model.item_vocabulary.encode(ids) if ids else np.empty(0, np.int32)
        ends = np.cumsum(lengths)
        rows = [
            np.concatenate([past, new[new != PADDING]])
            for past, new in zip(parts, np.split(codes, ends[:-1]), strict=True)
        ]
        return Ragged.from_rows(rows), known

    def _ranked(self, group: Sequence[Ask], rows: Ragged) -> Recommended:
        first = group[0]
        named = first.user_id is not None
        people = [ask.user_id if named else ask.recommendation_id for ask in group]
        return self.ranker.answer(
            pl.Series(people, dtype=pl.String),
            rows,
            first.k,
            named=named,
            parameters=first.parameters,
            ages=[ask.age for ask in group],
            recommendation_ids=[ask.recommendation_id for ask in group],
        )

    def _with_reasons(self, ask: Ask, items: Sequence[GivenItem]) -> tuple[GivenItem, ...]:
        return tuple(replace(item, reason=self.explain(ask, item.item_id).reason) for item in items)

    def _allowed(self, ask: Ask) -> Any:
        pipeline = self.ranker.pipeline
        [age] = pipeline.safety.known_ages(np.array([-1 if ask.age is None else ask.age]))
        allowed = pipeline.verdict(ask.parameters, int(age)).allowed.copy()
        allowed[PADDING] = False
        return allowed

    def _require(self, item_id: str) -> None:
        if self.model.item_vocabulary.encode([item_id])[0] == PADDING:
            raise UnknownIdError(f"there is no item {item_id!r}.", field=ITEM_ID)

    def _texts(self) -> _Texts:
        """What search needs; people are answered while it is made."""
        with self._texts_lock:
            if self._searched is None:
                self._searched = self._read_texts()
            return self._searched

    def _read_texts(self) -> _Texts:
        with self._lock:
            items, withdrawn, change = self.items, self._withdrawn, self._change
            shown = items.filter(~pl.col(ITEM_ID).cast(pl.String).is_in(list(withdrawn)))
            counts = self.model.item_counts[self.model.item_vocabulary.encode(shown[ITEM_ID])]
        try:
            search = SearchEngine(shown, encoder=self._encoder)
            return _Texts(search, Suggester(shown, counts), change, time.monotonic())
        except DataError as error:
            raise InputError(f"the catalogue can't be searched: {error}") from None

    def _most_popular(self) -> list[tuple[str, float]]:
        pipeline = self.ranker.pipeline
        shown = pipeline.safety.allowed()
        with suppress(RuleError):  # A rule may wait for a parameter, which nobody gives here.
            shown = pipeline.verdict({}, 0).allowed & shown
        counts = np.where(shown, self.model.item_counts, -1)
        counts[PADDING] = -1
        best = np.argsort(-counts, kind="stable")[:_POPULAR]
        best = best[counts[best] >= 0]
        ids = self.model.item_vocabulary.decode(best.astype(np.int32))
        return [(str(i), float(n)) for i, n in zip(ids, counts[best], strict=True)]


def _stages(found: Recommended) -> tuple[StageTold, ...]:
    return tuple(
        StageTold(
            record.stage,
            int(record.counts_in.sum()),
            int(record.counts_out.sum()),
            record.milliseconds,
        )
        for record in found.trace.records
    )


def _items_by_list(found: Recommended) -> defaultdict[str, list[GivenItem]]:
    """The items of each list, best first, by its id."""
    lists: defaultdict[str, list[GivenItem]] = defaultdict(list)
    for row in found.table.iter_rows(named=True):
        lists[row[RECOMMENDATION_ID]].append(_item(row))
    return lists


def _item(row: Mapping[str, Any]) -> GivenItem:
    return GivenItem(
        item_id=str(row["item_id"]),
        rank=row["rank"],
        score=float(row["score"]),
        source=row["source"],
        reason=reason_of(row["source"]),
        propensity=float(row.get("propensity", 1.0)),
    )
