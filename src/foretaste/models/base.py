"""The contract of every recommender, and the work they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.config import Config
from foretaste.data import PADDING, Dataset, Ragged, Targets, Vocabulary
from foretaste.data.schema import ITEM_ID, USER_ID
from foretaste.errors import InputError, NotFittedError, UnknownIdError
from foretaste.models.known import Known
from foretaste.models.top_k import top_k

if TYPE_CHECKING:
    from foretaste.training import TrainingHistory

Tensor = NDArray[Any]

#: A block of scores held at once stays under this many bytes, whatever the catalogue.
_SCORE_BYTES = 64 * 2**20

#: Which recommender answers a person without any history.
FALLBACK = "popularity"


@dataclass(frozen=True)
class ModelState:
    """Everything a fitted model is, as plain data: no code, nothing to unpickle.

    Attributes:
        settings: The model's configuration, JSON-ready.
        tensors: Named NumPy arrays.
        tables: Named Polars tables.
    """

    settings: dict[str, Any]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranking:
    """Ranked item codes.

    Attributes:
        items: int32[n, k], best first; 0 where fewer than k items could be recommended.
        scores: float32[n, k]; minus infinity where there is no item.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]


class Recommender(ABC):
    """Learns from a `Dataset`, ranks items for histories.

    A model sees a person as a history of item codes, so a known user, a user it has never met and
    a session in progress are one case. A person whose history holds no known item is answered by
    popularity, and the answer says so in `source`.

    A subclass sets `name` and `config_class` and writes `_fit`, `_score`, `_tensors` and
    `_restore`; `_add_items` where it keeps something for every item.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[Config]]

    #: Whether an item without training events tells the model nothing; a history of nothing else
    #: is then answered like an empty one.
    needs_behaviour: bool = False

    #: Whether the model can learn on from the histories it remembers (`catch_up`).
    learns_on: ClassVar[bool] = False

    #: The learning curve of the last `fit`, of models that are trained in epochs.
    training_history: TrainingHistory | None = None

    def __init__(self, config: Config | None = None, **settings: Any) -> None:
        """Takes a configuration object, or its settings by keyword.

        Raises:
            ConfigError: A setting is unknown or does not fit.
        """
        self.config = config or self.config_class.parse(settings)
        self._known: Known | None = None
        self.checkpoints: Path | None = None

    # What a subclass writes.

    @abstractmethod
    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        """Learns; vocabularies and item counts are already set."""

    @abstractmethod
    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        """Scores all items for histories that each hold at least one item.

        Returns:
            float32[rows, items + 1], writable, larger is better; column 0 is ignored.
        """

    @abstractmethod
    def _tensors(self) -> dict[str, Tensor]:
        """What `_fit` learnt."""

    @abstractmethod
    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes back what `_tensors` gave; vocabularies and item counts are already set."""

    # What everybody may call.

    def fit(
        self,
        train: Dataset,
        validation: Targets | None = None,
        *,
        checkpoints: Path | None = None,
    ) -> Self:
        """Learns from `train`, forgetting whatever was learnt before.

        Args:
            train: Events and catalogue; items without events are cold items.
            validation: Targets for early stopping, for the models that stop early.
            checkpoints: Folder in which a long training keeps its state after every epoch. One
                that was stopped goes on from there when it is asked for again with the same
                settings and data; when it ends, nothing is left there.
        """
        self.checkpoints = checkpoints
        self._known = Known.of(train)
        self._fit(train, validation)
        return self

    def partial_fit(self, events: pl.DataFrame, items: pl.DataFrame | None = None) -> Self:
        """Learns on from events that came after `fit`, without the data it was fitted on.

        The events end the histories of their people; people and items may be new. How the model
        learns from them is said in `catch_up`.

        Args:
            events: Columns `user_id`, `item_id` and `timestamp` (any integer type).
            items: What is known of new items, as in `add_items`; needed by models that read it.

        Raises:
            DataError: A column is missing, an id is null or of another type than the known ones,
                there are no events, or the items lack what the model reads.
            InputError: The model can't learn on; it is as before.
        """
        self._check_learns_on()
        new = Dataset.from_tables(events)
        self.known.users.extended(new.user_vocabulary.ids)  # Refused before anything is changed.
        ids = new.items if items is None else items
        missing = new.items.join(ids, on=ITEM_ID, how="anti") if ITEM_ID in ids.columns else ids
        self.add_items(pl.concat([ids, missing], how="diagonal_relaxed"))
        self._known = self.known.going_on(new)
        return self.catch_up()

    def catch_up(self) -> Self:
        """Learns from all actions that are remembered but were not learnt from.

        Those are the events of `partial_fit` and what `remember` brought. Models that count or
        are solved in closed form become what a fit on the histories they remember makes of them;
        the others go on from their weights, on the histories with news and on as many others,
        drawn at random, so that these are not forgotten.

        Raises:
            InputError: The model can't learn on; it is as before.
        """
        self._check_learns_on()
        before = self.known
        if not len(before.news):
            return self
        self._known = before.caught_up()
        try:
            self._learn_on(before.news)
        except BaseException:
            self._known = before
            raise
        return self

    def remember(self, dataset: Dataset) -> Self:
        """Takes people's histories from `dataset` without learning from them.

        After an evaluation the held-out events are news to the model; with this it recommends
        from all that is known.

        Raises:
            InputError: The data set's items are not the model's.
        """
        self._known = self.known.remembering(dataset)
        return self

    def add_items(self, items: pl.DataFrame) -> Self:
        """Makes items that came after `fit` known, without learning anew.

        A model that reads content recommends them from it; to the others they are items without
        events. Items already known are passed over. After an error the model is as before.

        Args:
            items: A table as `Dataset.items`: the column `item_id`, and what the model reads.

        Raises:
            DataError: There is no column `item_id`, an id is null or of another type than the
                known ones, or the table lacks what the model reads.
        """
        before = self.known
        self._known, new, codes = before.extended(items)
        if not len(codes):
            return self
        try:
            self._add_items(new, codes)
        except BaseException:
            self._known = before
            raise
        return self

    @property
    def known(self) -> Known:
        """People and items the model has met.

        Raises:
            NotFittedError: It has met nobody yet.
        """
        if self._known is None:
            raise NotFittedError(type(self).__name__)
        return self._known

    @property
    def item_vocabulary(self) -> Vocabulary:
        """Ids and codes of the items the model can recommend."""
        return self.known.items

    @property
    def user_vocabulary(self) -> Vocabulary:
        """Ids and codes of the users whose histories the model holds."""
        return self.known.users

    @property
    def item_counts(self) -> NDArray[np.int64]:
        """int64[items + 1], training events per item code."""
        return self.known.item_counts

    @property
    def histories(self) -> Ragged:
        """Item codes of every user the model holds; row `u - 1` belongs to user code `u`."""
        return self.known.histories

    def history_of(self, user: str | int) -> list[str | int]:
        """Ids of the items a known user acted on, oldest first.

        Raises:
            UnknownIdError: The model has never seen this user.
        """
        return self.known.history_of(user)

    def recommend(
        self,
        users: Sequence[str | int] | pl.Series | None = None,
        histories: Sequence[Sequence[str | int]] | None = None,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        candidates: Sequence[str | int] | pl.Series | None = None,
    ) -> pl.DataFrame:
        """Recommends k items to each person.

        Args:
            users: User ids; one the model does not know gets popular items. Or
            histories: Item ids of each person, oldest first; unknown items are passed over.
            k: Items a person; fewer are returned when fewer can be recommended.
            exclude_seen: Leave out items that are in the person's history.
            candidates: Recommend among these items only.

        Returns:
            Columns `user_id` (with `histories`: the row number, from 0), `item_id`, `rank` (from
            1), `score` and `source` (the recommender that answered), one row a recommendation.

        Raises:
            InputError: Not exactly one of users and histories, k below 1, or no known candidate.
        """
        ids, rows = self.people(users, histories)
        ranking = self.rank(
            rows, k, exclude_seen=exclude_seen, candidates=self._candidate_codes(candidates)
        )
        return self._as_table(ids, ranking, empty=self.answered_by_popularity(rows))

    def rank(
        self,
        histories: Ragged,
        k: int,
        *,
        exclude_seen: bool = True,
        candidates: NDArray[np.int32] | None = None,
    ) -> Ranking:
        """`recommend` in codes: the k best items for each history, ties broken by code.

        Args:
            histories: Item codes, oldest first.
            k: Items a history.
            exclude_seen: Leave out the history's own items.
            candidates: int32[m], rank these codes only.

        Raises:
            InputError: k is below 1.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        size = self.item_vocabulary.size
        banned = np.ones(size, bool) if candidates is not None else np.zeros(size, bool)
        if candidates is not None:
            banned[candidates] = False
        banned[PADDING] = True
        k = min(k, size - 1)
        items = np.empty((len(histories), k), np.int32)
        values = np.empty((len(histories), k), np.float32)
        for rows in self._blocks(len(histories)):
            block = histories.take(rows)
            scores = self._scores_with_fallback(block)
            scores[:, banned] = -np.inf
            if exclude_seen:
                scores[block.row_of_value, block.values] = -np.inf
            items[rows], values[rows] = top_k(scores, k)
        return Ranking(items, values)

    def score(
        self, histories: Sequence[Sequence[str | int]], items: Sequence[str | int]
    ) -> NDArray[np.float32]:
        """Scores the given items for each history of item ids, float32[histories, items].

        Raises:
            UnknownIdError: An item is unknown.
        """
        codes = self.item_vocabulary.encode(items)
        unknown = np.flatnonzero(codes == PADDING)
        if len(unknown):
            raise UnknownIdError(f"there is no item {items[unknown[0]]!r}.", field=ITEM_ID)
        rows = Ragged.from_rows(self.known.codes_of(history) for history in histories)
        blocks = [
            self._scores_with_fallback(rows.take(block))[:, codes]
            for block in self._blocks(len(rows))
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, len(codes)), np.float32)

    def people(
        self,
        users: Sequence[str | int] | pl.Series | None = None,
        histories: Sequence[Sequence[str | int]] | None = None,
    ) -> tuple[pl.Series, Ragged]:
        """Who is asked for, and their histories in codes.

        Args:
            users: User ids; one the model does not know has an empty history. Or
            histories: Item ids of each person, oldest first; unknown items are passed over.

        Returns:
            Ids (with `histories`: the row numbers, from 0), and item codes, one row each.

        Raises:
            InputError: Not exactly one of users and histories.
        """
        if (users is None) == (histories is None):
            raise InputError("give either users or histories.", field="users")
        if users is not None:
            ids = users if isinstance(users, pl.Series) else pl.Series(list(users))
            return ids, self.known.histories_of(self.user_vocabulary.encode(ids))
        ids = pl.Series(range(len(histories or ())), dtype=pl.Int64)
        return ids, Ragged.from_rows(self.known.codes_of(history) for history in histories or ())

    def score_rows(self, histories: Ragged, items: Ragged) -> NDArray[np.float32]:
        """Scores each history's own items, in codes.

        Args:
            histories: Item codes, oldest first.
            items: Item codes, one row a history.

        Returns:
            float32[total], one a value of `items`.
        """
        scores = np.empty(len(items.values), np.float32)
        for rows in self._blocks(len(histories)):
            wanted = items.take(rows)
            block = self._scores_with_fallback(histories.take(rows))
            part = slice(items.offsets[rows[0]], items.offsets[rows[-1] + 1])
            scores[part] = block[wanted.row_of_value, wanted.values]
        return scores

    def answered_by_popularity(self, histories: Ragged) -> NDArray[np.bool_]:
        """bool[rows]: the histories that tell the model nothing."""
        if not self.needs_behaviour:
            return histories.lengths == 0
        known = self.item_counts[histories.values] > 0
        return np.bincount(histories.row_of_value[known], minlength=len(histories)) == 0

    def score_all(self, histories: Ragged) -> NDArray[np.float32]:
        """`score` in codes and for all items, for a recommender that is made of others.

        Args:
            histories: Item codes, oldest first; so few at once that their scores can be held.

        Returns:
            float32[rows, items + 1]; column 0 means nothing.
        """
        return self._scores_with_fallback(histories)

    def state(self) -> ModelState:
        """The fitted model as plain data.

        Raises:
            NotFittedError: There is nothing to give yet.
        """
        return ModelState(
            settings=self._settings(),
            tensors=self.known.tensors() | self._tensors(),
            tables=self.known.tables(),
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Self:
        """The model that gave `state`; its answers are equal.

        Raises:
            ConfigError: A setting is unknown or does not fit.
            LookupError: Something is missing from the state.
            ValueError: Its parts contradict each other.
        """
        model = cls._from_settings(state.settings)
        model._known = Known.restored(state.tensors, state.tables)
        model._restore(state.tensors)
        return model

    # What a subclass may extend.

    def _add_items(  # noqa: B027 - Nothing is right for a model that only counts.
        self, items: pl.DataFrame, codes: NDArray[np.int32]
    ) -> None:
        """Makes room for new items, all or nothing; vocabulary and counts already hold them.

        Args:
            items: Their rows, one for each of `codes`.
            codes: int32[n], contiguous, from the first that is free.
        """

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Learns from histories that have grown; vocabularies, histories and counts are set.

        By default from all histories, as `_fit` does.

        Args:
            news: int64[n], rows of the histories with actions that were not learnt from.
        """
        self._fit(self.known.as_dataset(), None)

    def _settings(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json")

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any]) -> Self:
        return cls(cls.config_class.parse(settings))

    # Inside.

    def _check_learns_on(self) -> None:
        reason = None
        if not self.learns_on:
            reason = "it does not keep what it would go on from"
        elif getattr(self.config, "event_weights", None):
            reason = "its events are weighed by type, and the histories it holds have no types"
        elif getattr(self.config, "exposure", None):
            reason = "how much its items were shown it takes from the catalogue, and does not keep"
        if reason is not None:
            raise InputError(
                f"'{self.name}' can't learn on: {reason}.",
                field="model",
                hint="Fit it again on all events, old and new.",
            )

    def _scores_with_fallback(self, histories: Ragged) -> NDArray[np.float32]:
        empty = self.answered_by_popularity(histories)
        if not empty.any():
            return self._score(histories)
        scores = np.empty((len(histories), self.item_vocabulary.size), np.float32)
        scores[empty] = self.item_counts
        if not empty.all():
            scores[~empty] = self._score(histories.take(np.flatnonzero(~empty)))
        return scores

    def _blocks(self, rows: int) -> list[NDArray[np.int64]]:
        step = max(1, min(1024, _SCORE_BYTES // (4 * self.item_vocabulary.size)))
        return [np.arange(start, min(start + step, rows)) for start in range(0, rows, step)]

    def _candidate_codes(
        self, candidates: Sequence[str | int] | pl.Series | None
    ) -> NDArray[np.int32] | None:
        if candidates is None:
            return None
        codes = self.known.codes_of(candidates)
        if not len(codes):
            raise InputError("none of the candidates is a known item.", field="candidates")
        return codes

    def _as_table(self, ids: pl.Series, ranking: Ranking, empty: NDArray[np.bool_]) -> pl.DataFrame:
        there = ranking.items != PADDING
        rows, ranks = np.nonzero(there)
        sources = np.where(empty, FALLBACK, self.name)[rows]
        return pl.DataFrame(
            {
                USER_ID: ids.gather(rows),
                ITEM_ID: self.item_vocabulary.decode(ranking.items[there]),
                "rank": (ranks + 1).astype(np.int32),
                "score": ranking.scores[there],
                "source": sources,
            }
        )
