"""How people are answered: the part of a recommender that knows them and ranks items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged, Vocabulary
from foretaste.data.schema import ITEM_ID, USER_ID
from foretaste.errors import InputError, NotFittedError, UnknownIdError
from foretaste.models.known import Known
from foretaste.models.top_k import top_k

#: A block of scores held at once stays under this many bytes, whatever the catalogue.
_SCORE_BYTES = 32 * 2**20

#: Which recommender answers a person without any history.
FALLBACK = "popularity"


@dataclass(frozen=True)
class Ranking:
    """Ranked item codes.

    Attributes:
        items: int32[n, k], best first; 0 where fewer than k items could be recommended.
        scores: float32[n, k]; minus infinity where there is no item.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]

    def without(self, others: Ragged, k: int) -> Ranking:
        """The first k items of every row that are not in its row of `others`.

        Args:
            others: Item codes, one row a row.
            k: At most the items of a row.
        """
        size = 1 + max(int(self.items.max(initial=0)), int(others.values.max(initial=0)))
        rows = np.arange(len(self.items))[:, None]
        gone = np.isin(rows * size + self.items, others.row_of_value * size + others.values)
        gone |= self.items == PADDING
        order = np.argsort(gone, axis=1, kind="stable")[:, :k]
        gone, items, scores = (
            np.take_along_axis(table, order, axis=1) for table in (gone, self.items, self.scores)
        )
        return Ranking(
            np.where(gone, np.int32(PADDING), items), np.where(gone, np.float32(-np.inf), scores)
        )

    def joined(self, later: Ranking, k: int) -> Ranking:
        """The k best of both, of equal ones those of this ranking first.

        Args:
            later: Of the same rows, with items of higher codes.
            k: At most so many are kept.
        """
        items = np.concatenate([self.items, later.items], axis=1)
        columns, scores = top_k(np.concatenate([self.scores, later.scores], axis=1), k)
        found = np.take_along_axis(items, columns, axis=1)
        return Ranking(np.where(np.isneginf(scores), np.int32(PADDING), found), scores)


class Answering(ABC):
    """Ranks items for histories, by the scores that a subclass gives.

    A person is a history of item codes, so a known user, a user never met and a session in
    progress are one case. A person whose history holds no known item is answered by popularity,
    and the answer says so in `source`.
    """

    name: ClassVar[str]

    #: Whether an item without training events tells the model nothing; a history of nothing else
    #: is then answered like an empty one.
    needs_behaviour: bool = False

    _known: Known | None = None

    @abstractmethod
    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        """Scores all items for histories that each hold at least one item.

        Returns:
            float32[rows, items + 1], writable, larger is better; column 0 is ignored.
        """

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
        for rows in self._ranked_blocks(len(histories)):
            block = histories.take(rows)
            best = self._best(block, k, banned, block if exclude_seen else block.last(0))
            items[rows], values[rows] = best.items, best.scores
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

    def most_popular(self, seen: Ragged, k: int, allowed: NDArray[np.bool_]) -> Ranking:
        """What people are shown of whom nothing is known: the items with the most events.

        Args:
            seen: Item codes that are left out, a row a person.
            k: At least 1.
            allowed: bool[items + 1], items to choose from; not the padding.
        """
        codes = np.flatnonzero(allowed).astype(np.int32)
        counts = self.item_counts[codes].astype(np.float32)
        columns, values = top_k(counts[None], k + int(seen.lengths.max(initial=0)))
        shape = (len(seen), columns.shape[1])
        most = Ranking(np.broadcast_to(codes[columns], shape), np.broadcast_to(values, shape))
        return most.without(seen, k)

    # Inside.

    def _best(self, histories: Ragged, k: int, banned: NDArray[np.bool_], seen: Ragged) -> Ranking:
        """The k best items for a block of histories, but for those banned and seen."""
        scores = self._scores_with_fallback(histories)
        scores[:, banned] = -np.inf
        scores[seen.row_of_value, seen.values] = -np.inf
        return Ranking(*top_k(scores, k))

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

    def _ranked_blocks(self, rows: int) -> list[NDArray[np.int64]]:
        """The rows that `_best` is asked about at a time."""
        return self._blocks(rows)

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
