"""What a model can show at one moment, and how the next moment's is made beside the answering."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import polars as pl

from foretaste.artifacts import Run
from foretaste.data import PADDING
from foretaste.data.schema import ITEM_ID
from foretaste.models import Recommender
from foretaste.pipeline import serving_ranker
from foretaste.ranking import PageStore, Ranker, RuleError
from foretaste.serving.catalogue import changed_table
from foretaste.serving.histories import Histories, LiveEvents
from foretaste.serving.store.base import Fields

#: Items that may be in a popularity list, which is made beforehand.
_POPULAR = 100


@dataclass(frozen=True)
class Shelf:
    """A model, the catalogue that it knows, and what ranks; none of it changes any more.

    Attributes:
        run: The run with its model and its catalogue as they are now.
        withdrawn: Ids of items that are not shown any more.
        ranker: Ranks the others.
        popular: Ids of those with the most training events, and how many these are.
        change: How often the catalogue had changed.
    """

    run: Run
    withdrawn: frozenset[str]
    ranker: Ranker
    popular: tuple[tuple[str, float], ...]
    change: int

    @property
    def model(self) -> Recommender:
        """Knows every item of the catalogue."""
        return self.run.model

    @property
    def items(self) -> pl.DataFrame:
        """The catalogue, one row an item, withdrawn ones too."""
        return self.run.items

    @property
    def shown(self) -> pl.DataFrame:
        """The catalogue without the withdrawn items."""
        return self.items.filter(~pl.col(ITEM_ID).cast(pl.String).is_in(list(self.withdrawn)))


class Shelves:
    """Makes shelves. The ones that are in use stay as they are meanwhile.

    Args:
        histories: What people did since the model learnt, for rules that ask.
        pages: Where lists are kept for their later pages.
    """

    def __init__(self, histories: Histories, pages: PageStore) -> None:
        self._histories = histories
        self._pages = pages

    def first(self, run: Run, changes: Mapping[str, Fields | None]) -> Shelf:
        """The shelf of a run.

        Args:
            run: Its model takes in what is new; nobody else uses it.
            changes: What the catalogue has become since; fields by id, None for withdrawn.

        Raises:
            ArtifactError: The run can't be understood.
            InputError: Its section `ranking` does not fit.
        """
        table = changed_table(changes, run.items)
        if not table.is_empty():
            run.model.add_items(table)
        now = run.gone_on(run.model, _with(run.items, table), run.index)
        return self._filled(now, _withdrawn(frozenset(), changes), 0)

    def after(self, shelf: Shelf, changes: Mapping[str, Fields | None]) -> Shelf:
        """The shelf that follows another one.

        New items are taken in by a copy of the model, which needs its memory once more until the
        shelf before is let go of.

        Args:
            shelf: Stays as it is.
            changes: As of `first`.

        Raises:
            InputError: What is new does not fit.
        """
        table, model = changed_table(changes, shelf.items), shelf.model
        if (model.item_vocabulary.encode(table[ITEM_ID]) == PADDING).any():
            model = model.copied().add_items(table)
        pipeline = shelf.ranker.pipeline
        index = shelf.run.index if pipeline.search.index is None else pipeline.search.index
        now = shelf.run.gone_on(model, _with(shelf.items, table), index)
        filled = self._filled(now, _withdrawn(shelf.withdrawn, changes), shelf.change + 1)
        filled.ranker.pipeline.make_ready_like(pipeline)
        return filled

    def _filled(self, run: Run, withdrawn: frozenset[str], change: int) -> Shelf:
        ranker = serving_ranker(
            run,
            blocked=sorted(withdrawn),
            live=lambda learnt: LiveEvents(learnt, self._histories),
            pages=self._pages,
        )
        return Shelf(run, withdrawn, ranker, _most_popular(ranker), change)


def _with(items: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """The catalogue with rows in place of those of the same ids, and new ones."""
    if table.is_empty():
        return items
    stay = items.join(table.select(ITEM_ID), on=ITEM_ID, how="anti")
    return pl.concat([stay, table], how="diagonal")


def _withdrawn(before: frozenset[str], changes: Mapping[str, Fields | None]) -> frozenset[str]:
    gone = {item for item, fields in changes.items() if fields is None}
    return (before | gone) - (changes.keys() - gone)


def _most_popular(ranker: Ranker) -> tuple[tuple[str, float], ...]:
    pipeline = ranker.pipeline
    shown, counts = pipeline.safety.allowed(), pipeline.catalogue.counts
    with suppress(RuleError):  # A rule may wait for a parameter, which nobody gives here.
        shown = pipeline.verdict({}, 0).allowed & shown
    counts = np.where(shown, counts, -1)
    counts[PADDING] = -1
    best = np.argsort(-counts, kind="stable")[:_POPULAR]
    best = best[counts[best] >= 0]
    ids = pipeline.catalogue.vocabulary.decode(best.astype(np.int32))
    return tuple((str(i), float(n)) for i, n in zip(ids, counts[best], strict=True))
