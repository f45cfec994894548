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
from foretaste.errors import DataError, InputError, NotFittedError, UnknownIdError
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

    #: The learning curve of the last `fit`, of models that are trained in epochs.
    training_history: TrainingHistory | None = None

    def __init__(self, config: Config | None = None, **settings: Any) -> None:
        """Takes a configuration object, or its settings by keyword.

        Raises:
            ConfigError: A setting is unknown or does not fit.
        """
        self.config = config or self.config_class.parse(settings)
        self._user_vocabulary: Vocabulary | None = None
        self._item_vocabulary: Vocabulary | None = None
        self._histories = Ragged.from_rows([])
        self._item_counts = np.zeros(1, np.int64)
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
        self._user_vocabulary = train.user_vocabulary
        self._item_vocabulary = train.item_vocabulary
        self._item_counts = train.item_counts
        self._histories = train.histories()
        self._fit(train, validation)
        return self

    def remember(self, dataset: Dataset) -> Self:
        """Takes people's histories from `dataset` without learning from them.

        After an evaluation the held-out events are news to the model; with this it recommends
        from all that is known.

        Raises:
            InputError: The data set's items are not the model's.
        """
        if dataset.item_vocabulary != self.item_vocabulary:
            raise InputError("the data set has other items than the model was fitted on.")
        self._user_vocabulary = dataset.user_vocabulary
        self._histories = dataset.histories()
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
        if ITEM_ID not in items.columns:
            raise DataError("the items have no such column.", field=ITEM_ID)
        known = self.item_vocabulary
        vocabulary = known.extended(items[ITEM_ID])
        codes = np.arange(known.size, vocabulary.size, dtype=np.int32)
        if not len(codes):
            return self
        rows = vocabulary.encode(items[ITEM_ID])
        new = items.with_columns(pl.Series("__code", rows)).filter(pl.col("__code") >= known.size)
        new = new.unique("__code", keep="first").sort("__code").drop("__code")
        before = self._item_vocabulary, self._item_counts
        self._item_vocabulary = vocabulary
        self._item_counts = np.pad(self._item_counts, (0, len(codes)))
        try:
            self._add_items(new, codes)
        except BaseException:
            self._item_vocabulary, self._item_counts = before
            raise
        return self

    @property
    def item_vocabulary(self) -> Vocabulary:
        """Ids and codes of the items the model can recommend."""
        if self._item_vocabulary is None:
            raise NotFittedError(type(self).__name__)
        return self._item_vocabulary

    @property
    def user_vocabulary(self) -> Vocabulary:
        """Ids and codes of the users whose histories the model holds."""
        if self._user_vocabulary is None:
            raise NotFittedError(type(self).__name__)
        return self._user_vocabulary

    @property
    def item_counts(self) -> NDArray[np.int64]:
        """int64[items + 1], training events per item code."""
        return self._item_counts

    @property
    def histories(self) -> Ragged:
        """Item codes of the known users, oldest first; row ``u - 1`` belongs to user code ``u``."""
        return self._histories

    def history_of(self, user: str | int) -> list[str | int]:
        """Ids of the items a known user acted on, oldest first.

        Raises:
            UnknownIdError: The model has never seen this user.
        """
        code = self.user_vocabulary.encode([user])[0]
        if code == PADDING:
            raise UnknownIdError(
                f"there is no user {user!r} in the data.",
                field=USER_ID,
                hint="For somebody new, give a history of item ids instead.",
            )
        return self.item_vocabulary.decode(self._histories[code - 1]).to_list()

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
        rows = Ragged.from_rows(self._known(history) for history in histories)
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
            return ids, self._histories_of(self.user_vocabulary.encode(ids))
        ids = pl.Series(range(len(histories or ())), dtype=pl.Int64)
        return ids, Ragged.from_rows(self._known(history) for history in histories or ())

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
        known = self._item_counts[histories.values] > 0
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
        tables = {
            "item_ids": self.item_vocabulary.ids.alias(ITEM_ID).to_frame(),
            "user_ids": self.user_vocabulary.ids.alias(USER_ID).to_frame(),
        }
        return ModelState(
            settings=self._settings(),
            tensors={
                "base.item_counts": self._item_counts,
                "base.history_values": self._histories.values,
                "base.history_offsets": self._histories.offsets,
                **self._tensors(),
            },
            tables=tables,
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
        model._item_vocabulary = Vocabulary(state.tables["item_ids"][ITEM_ID])
        model._user_vocabulary = Vocabulary(state.tables["user_ids"][USER_ID])
        model._item_counts = state.tensors["base.item_counts"]
        model._histories = Ragged(
            state.tensors["base.history_values"], state.tensors["base.history_offsets"]
        )
        model._check_histories()
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

    def _settings(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json")

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any]) -> Self:
        return cls(cls.config_class.parse(settings))

    # Inside.

    def _check_histories(self) -> None:
        """Refuses codes that a file made up: native code takes them for addresses."""
        values, offsets = self._histories.values, self._histories.offsets
        lengths = np.diff(offsets, prepend=0, append=len(values))
        size = self.item_vocabulary.size
        fits = (
            len(self._item_counts) == size
            and len(self._histories) == len(self.user_vocabulary)
            and values.dtype == np.int32
            and offsets.dtype == np.int64
            and (lengths >= 0).all()
            and lengths[0] == lengths[-1] == 0
            and values.min(initial=1) > PADDING
            and values.max(initial=PADDING) < size
        )
        if not fits:
            raise ValueError("the histories do not fit the users and items")

    def _scores_with_fallback(self, histories: Ragged) -> NDArray[np.float32]:
        empty = self.answered_by_popularity(histories)
        if not empty.any():
            return self._score(histories)
        scores = np.empty((len(histories), self.item_vocabulary.size), np.float32)
        scores[empty] = self._item_counts
        if not empty.all():
            scores[~empty] = self._score(histories.take(np.flatnonzero(~empty)))
        return scores

    def _blocks(self, rows: int) -> list[NDArray[np.int64]]:
        step = max(1, min(1024, _SCORE_BYTES // (4 * self.item_vocabulary.size)))
        return [np.arange(start, min(start + step, rows)) for start in range(0, rows, step)]

    def _known(self, history: Sequence[str | int]) -> NDArray[np.int32]:
        codes = self.item_vocabulary.encode(history)
        return codes[codes != PADDING]

    def _histories_of(self, users: NDArray[np.int32]) -> Ragged:
        # Row 0 is the empty history of users unknown.
        with_unknown = Ragged(
            self._histories.values, np.concatenate([[0], self._histories.offsets])
        )
        return with_unknown.take(users)

    def _candidate_codes(
        self, candidates: Sequence[str | int] | pl.Series | None
    ) -> NDArray[np.int32] | None:
        if candidates is None:
            return None
        codes = self.item_vocabulary.encode(candidates)
        codes = codes[codes != PADDING]
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
