"""Items like an item: by what they say, by who acted on them, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import PADDING, Ragged
from foretaste.data.schema import ITEM_ID
from foretaste.errors import InputError
from foretaste.models._sparse import history_matrix
from foretaste.models.item_similarity import item_similarity
from foretaste.models.top_k import top_k
from foretaste.ranking.catalogue import Catalogue

#: What likeness is taken from.
Likeness = Literal["content", "behaviour", "blend"]

#: Column that names the item others resemble.
ANCHOR = "anchor_id"

_SOURCES = np.array(["", "content", "behaviour", "content+behaviour"])
_NEIGHBOURS, _SHRINKAGE = 200, 10.0
_BLOCK_BYTES = 64 * 2**20
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Neighbours:
    """The nearest items of some anchors.

    Attributes:
        items: int32[anchors, k], item codes, nearest first; 0 where fewer resemble the anchor.
        scores: float32[anchors, k], likeness from 0 to 1.
        sources: str[anchors, k], "content", "behaviour" or both joined by "+".
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    sources: NDArray[np.str_]


class SimilarItems:
    """Finds the items nearest to an item, exactly.

    Likeness by content is the cosine of content vectors, by behaviour that of
    `foretaste.models.item_similarity`. To blend them, each is divided by the largest the anchor
    has with anything, since the one is crowded near 1 and the other near 0; then
    ``weight * behaviour + (1 - weight) * content``.

    Args:
        catalogue: The items; its vectors are those of content.
        histories: People's item codes, for likeness by behaviour.
        by: What likeness is taken from; by default all there is.
        weight: Of behaviour in a blend.

    Raises:
        InputError: Likeness by content is asked for without vectors, or by behaviour without
            histories.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        histories: Ragged | None = None,
        by: Likeness = "blend",
        weight: float = 0.5,
    ) -> None:
        if not 0 <= weight <= 1:
            raise InputError(f"the weight must be from 0 to 1, not {weight}.", field="weight")
        self.catalogue = catalogue
        self._vectors = None if by == "behaviour" else catalogue.vectors
        self._similarity: Any = None
        if by != "content" and histories is not None:
            self._similarity = item_similarity(
                history_matrix(
                    histories, np.ones(len(histories.values), np.float32), catalogue.size
                ),
                neighbours=_NEIGHBOURS,
                shrinkage=_SHRINKAGE,
            )
        if self._vectors is None and self._similarity is None:
            raise InputError(
                f"there is nothing to take likeness by {by} from.",
                hint="Likeness by content needs vectors, likeness by behaviour histories.",
            )
        self._weights = np.array([1 - weight, weight], np.float32)

    def nearest(
        self, anchors: NDArray[np.int32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> Neighbours:
        """The k items nearest to each anchor, never itself; ties are broken by code.

        Args:
            anchors: int32[n], item codes.
            k: Neighbours each.
            allowed: bool[items + 1], search among these only.

        Raises:
            InputError: k is below 1.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        k = min(k, self.catalogue.size)
        items = np.zeros((len(anchors), k), np.int32)
        scores = np.zeros((len(anchors), k), np.float32)
        sources = np.zeros((len(anchors), k), _SOURCES.dtype)
        step = max(1, _BLOCK_BYTES // (12 * self.catalogue.size))
        for start in range(0, len(anchors), step):
            block = slice(start, start + step)
            likeness, carried_by = self._likeness(anchors[block])
            if allowed is not None:
                likeness[:, ~allowed] = -np.inf
            items[block], scores[block] = top_k(likeness, k)
            sources[block] = _SOURCES[np.take_along_axis(carried_by, items[block], axis=1)]
        return Neighbours(items, np.where(items == PADDING, 0, scores), sources)

    def table(
        self, ids: list[str | int], k: int = 10, *, allowed: NDArray[np.bool_] | None = None
    ) -> pl.DataFrame:
        """The nearest items of items by their ids.

        Args:
            ids: Of the anchors.
            k: Neighbours each.
            allowed: bool[items + 1], search among these only.

        Returns:
            Columns `anchor_id`, `item_id`, `rank` (from 1), `score` and `source`.

        Raises:
            ConfigError: An id is unknown.
            InputError: k is below 1.
        """
        codes = self.catalogue.codes(ids, ITEM_ID)
        found = self.nearest(codes, k, allowed)
        rows, ranks = np.nonzero(found.items != PADDING)
        vocabulary = self.catalogue.vocabulary
        return pl.DataFrame(
            {
                ANCHOR: vocabulary.decode(codes[rows]),
                ITEM_ID: vocabulary.decode(found.items[rows, ranks]),
                "rank": (ranks + 1).astype(np.int32),
                "score": found.scores[rows, ranks],
                "source": found.sources[rows, ranks],
            }
        )

    def _likeness(self, anchors: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Likeness of all items, minus infinity where there is none, and what carries it."""
        sides = [self._by_content(anchors), self._by_behaviour(anchors)]
        both = all(side is not None for side in sides)
        total = np.zeros((len(anchors), self.catalogue.size), np.float32)
        carried_by = np.zeros(total.shape, np.int8)
        for number, side in enumerate(sides):
            if side is None:
                continue
            side[np.arange(len(anchors)), anchors] = 0
            largest = np.maximum(side.max(axis=1, keepdims=True), _TINY)
            total += side * (self._weights[number] / largest) if both else side
            carried_by += (side > 0) * np.int8(1 + number)
        total[carried_by == 0] = -np.inf
        total[:, PADDING] = -np.inf
        return total, carried_by

    def _by_content(self, anchors: NDArray[np.int32]) -> NDArray[np.float32] | None:
        if self._vectors is None:
            return None
        return np.maximum(self._vectors[anchors] @ self._vectors.T, 0)

    def _by_behaviour(self, anchors: NDArray[np.int32]) -> NDArray[np.float32] | None:
        return None if self._similarity is None else self._similarity[anchors].toarray()
