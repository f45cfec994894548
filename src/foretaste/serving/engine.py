"""One version of a model with its catalogue, ready to answer."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from foretaste.artifacts import Run
from foretaste.content import TextEncoder
from foretaste.data import PADDING, Ragged
from foretaste.data.schema import ITEM_ID, RECOMMENDATION_ID
from foretaste.errors import ForetasteError, InputError, UnknownIdError
from foretaste.models import Recommender
from foretaste.models.reading import encoder_of
from foretaste.ranking import PageStore, Ranker, Recommended
from foretaste.ranking.explanation import Explanation, explain
from foretaste.search import SearchResult, Seeker
from foretaste.serving.answers import Ask, Given, GivenItem, StageTold, reason_of
from foretaste.serving.drift import DRIFT, Drift
from foretaste.serving.histories import Histories
from foretaste.serving.searching import Searching
from foretaste.serving.shelf import Shelves
from foretaste.serving.store.base import Fields, ModelRecord

#: Of larger catalogues what search needs is made when somebody searches first: it takes minutes.
_PREPARED_UP_TO = 200_000


class Engine:
    """Answers with one model; calls may come from several threads, one at a time is worked on.

    Args:
        run: The run folder; its model is this engine's own.
        record: What the registry says of it. Of people who were erased after it was made, it must
            not remember anything.
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
        record: ModelRecord,
        histories: Histories,
        pages: PageStore,
        changes: Mapping[str, Fields | None],
    ) -> None:
        self.version = record.version
        self._record = record
        self._histories = histories
        self._lock, self._changing = threading.RLock(), threading.Lock()
        self._shelves = Shelves(histories, pages)
        self._shelf = self._shelves.first(run, changes)
        self.drift = Drift(self.model.known.learnt, record.metrics.get(DRIFT, {}))
        self._encoder = encoder_of(self.model)
        if isinstance(self._encoder, TextEncoder):
            self._encoder.warm_up()
        self._searching = Searching(self._encoder)
        if len(self.items) <= _PREPARED_UP_TO:
            self.prepare()

    @property
    def model(self) -> Recommender:
        """The model, with the items that came since."""
        return self._shelf.model

    @property
    def items(self) -> pl.DataFrame:
        """The catalogue as it is now, one row an item."""
        return self._shelf.items

    @property
    def ranker(self) -> Ranker:
        """What ranks the catalogue as it is now."""
        return self._shelf.ranker

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
                        history=int(rows.lengths[place]),
                    )
            return answers

    def popular(self, ask: Ask, why: str) -> Given:
        """What is popular, for when nothing better can be told."""
        items = tuple(
            GivenItem(item, rank, score, "popularity", reason_of("popularity"))
            for rank, (item, score) in enumerate(self._shelf.popular[: ask.k], 1)
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
        with self._searching.texts(self._shelf) as texts, self._lock:
            allowed = np.flatnonzero(self._allowed(ask)).astype(np.int32)
            ids = self.model.item_vocabulary.decode(allowed).to_list()
            seeker = Seeker(self.model, self.history_of(ask))
            return texts.search.search(query, k, seeker=seeker, slider=slider, allowed=ids)

    def suggest(self, typed: str, k: int, ask: Ask) -> pl.DataFrame:
        """Completes what is typed; see `Suggester.suggest`.

        Raises:
            InputError: The items have no titles.
        """
        with self._searching.texts(self._shelf) as texts, self._lock:
            seeker = Seeker(self.model, self.history_of(ask)) if ask.user_id else None
            return texts.suggester.suggest(typed, k, seeker=seeker)

    def prepare(self) -> None:
        """Makes what search needs, so that no search waits for it."""
        # The catalogue may have no words.
        with suppress(InputError), self._searching.texts(self._shelf):
            pass

    def search_again(self) -> None:
        """Makes what search needs anew after changes, at times.

        New items are found at once; changed words and new suggestions within a minute.
        """
        self._searching.again(self._shelf)

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
        it learns next. People are answered as before while this is made ready: they wait for
        nothing but one assignment. An item that is withdrawn is in no answer that begins after
        this has returned.

        Args:
            changes: Fields by id; None for an item that is withdrawn.
        """
        with self._changing:
            shelf = self._shelves.after(self._shelf, changes)
            with self._lock:
                self._shelf = shelf
            self._searching.add(shelf, changes)

    def happened(self, item_ids: Sequence[str]) -> None:
        """Tells what watches for drift of the items that people acted on."""
        known = self.model.known
        self.drift.happened(known.item_counts[known.items.encode(item_ids)] > 0)

    def fields_of(self, item_id: str) -> dict[str, Any] | None:
        """What is known of an item; None where there is none or it was withdrawn."""
        shelf = self._shelf
        vocabulary = shelf.model.item_vocabulary
        code = vocabulary.encode([item_id])[0]
        if code == PADDING or item_id in shelf.withdrawn:
            return None
        [known] = vocabulary.decode(np.array([code]))
        rows = shelf.items.filter(pl.col(ITEM_ID) == known)
        return {} if rows.is_empty() else rows.row(0, named=True)

    # Inside.

    def _rows(self, asks: Sequence[Ask]) -> tuple[Ragged, bool]:
        """Histories in codes: what the model remembers, and what came since; and whether known."""
        users = [ask.user_id for ask in asks if ask.user_id is not None]
        found, known = self._histories.or_none(users)
        fresh = iter(found)
        codes_of_users = iter(self.model.user_vocabulary.encode(users) if users else ())
        parts, ids, lengths = [], list[str](), []
        until = self._record.events_until
        for ask in asks:
            past = np.empty(0, np.int32)
            since = list(ask.history)
            if ask.user_id is not None:
                code = next(codes_of_users)
                made = self._record.created
                if code != PADDING and not self._histories.erased(ask.user_id, made):
                    past = self.model.histories[int(code) - 1]
                since = [p.item_id for p in next(fresh) if p.seq > until] + since
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
