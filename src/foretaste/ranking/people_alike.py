"""People like somebody: by what they acted on, by what their items say, or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged, Vocabulary
from foretaste.data.schema import USER_ID
from foretaste.errors import InputError, UnknownIdError
from foretaste.models.top_k import top_k
from foretaste.ranking.catalogue import Catalogue, unit_rows
from foretaste.ranking.similar import Likeness

_BLOCK_BYTES = 64 * 2**20


class PeopleAlike:
    """Finds the people nearest to somebody, exactly.

    By behaviour, likeness is the cosine between the sets of items two people acted on, an item
    weighing the less the more people acted on it (its inverse document frequency). By content, it
    is the cosine between the means of their items' vectors. A blend is the mean of both.

    Args:
        catalogue: The items; its vectors are those of content.
        histories: Item codes, one row a person.
        people: Their ids, in the order of the rows.
        by: What likeness is taken from.

    Raises:
        InputError: Likeness by content is asked for without vectors.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        histories: Ragged,
        people: Vocabulary,
        *,
        by: Likeness = "behaviour",
    ) -> None:
        if by != "behaviour" and catalogue.vectors is None:
            raise InputError(f"there are no vectors to take likeness by {by} from.", field="by")
        self._people = people
        self._by = by
        members = _members(histories, catalogue.size)
        self._sides: list[Any] = []
        if by != "content":
            shared = np.asarray(members.sum(axis=0)).ravel()
            weight = np.log(len(histories) / np.maximum(shared, 1)) + 1
            self._sides.append(unit_rows(members @ sp.diags_array(weight)))
        if by != "behaviour":
            self._sides.append(unit_rows(members @ catalogue.vectors))

    def table(self, users: Sequence[str | int], k: int = 10) -> pl.DataFrame:
        """The people nearest to users, never themselves.

        Args:
            users: Ids.
            k: At most so many each; those who share nothing are not alike.

        Returns:
            Columns `user_id`, `alike_id`, `rank` (from 1), `score` (from 0 to 1) and `source`.

        Raises:
            UnknownIdError: There is no such user.
            InputError: k is below 1.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        codes = self._people.encode(list(users))
        for user, code in zip(users, codes, strict=True):
            if code == PADDING:
                raise UnknownIdError(f"there is no user {user!r} in the data.", field=USER_ID)
        found, scores = self._nearest(codes, k)
        rows, ranks = np.nonzero(found != PADDING)
        return pl.DataFrame(
            {
                USER_ID: self._people.decode(codes[rows]),
                "alike_id": self._people.decode(found[rows, ranks]),
                "rank": (ranks + 1).astype(np.int32),
                "score": scores[rows, ranks],
            }
        ).with_columns(pl.lit(self._by).alias("source"))

    def _nearest(
        self, codes: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        step = max(1, _BLOCK_BYTES // (8 * self._people.size))
        blocks = [
            top_k(self._likeness(codes[start : start + step]), k)
            for start in range(0, len(codes), step)
        ]
        if not blocks:
            return np.empty((0, 0), np.int32), np.empty((0, 0), np.float32)
        found, scores = zip(*blocks, strict=True)
        return np.concatenate(found), np.concatenate(scores)

    def _likeness(self, codes: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32[n, people + 1], minus infinity for themselves and where nothing is shared."""
        total = np.zeros((len(codes), self._people.size), np.float32)
        for side in self._sides:
            cosines = side[codes - 1] @ side.T
            dense = cosines.toarray() if sp.issparse(cosines) else cosines
            total[:, 1:] += np.maximum(dense, 0) / len(self._sides)
        total[np.arange(len(codes)), codes] = 0
        return np.where(total > 0, total, -np.inf).astype(np.float32)


def _members(histories: Ragged, items: int) -> Any:
    """A sparse 0-1 matrix, float32[people, items]."""
    ones = np.ones(len(histories.values), np.float32)
    matrix = sp.csr_array(
        (ones, histories.values.copy(), histories.offsets), (len(histories), items)
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
