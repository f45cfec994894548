"""EASE: a linear model of every item from all others, solved at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import get_lapack_funcs

from foretaste.data import Dataset, Ragged, Targets
from foretaste.errors import InputError
from foretaste.models._implicit import (
    ImplicitConfig,
    exposure_of,
    interactions,
    inverse_propensity,
)
from foretaste.models._sparse import SparseMatrix, history_matrix
from foretaste.models.base import Tensor
from foretaste.models.recency import ByRecency, RecencyConfig

_ITEMS = "ease.items"
_WEIGHTS = "ease.weights"


class EASEConfig(RecencyConfig, ImplicitConfig):
    """Settings of `EASE`.

    Attributes:
        regularisation: Weight of the squared weights; more where there are more people.
        propensity: Power of exposure that is corrected: likings of rarely met items count more
            (`inverse_propensity`). 0 corrects nothing.
        exposure: Column of the items that says how often each was shown; without it, popularity
            stands for that.
        most_items: Largest catalogue; memory grows with its square (see `EASE`).
    """

    regularisation: float = Field(default=300.0, gt=0)
    propensity: float = Field(default=0.0, ge=0, le=1)
    exposure: str | None = None
    most_items: int = Field(default=20_000, ge=1)


class EASE(ByRecency):
    """Scores an item by a weighted sum of the items of the history (Steck, 2019).

    The weights foresee every item from all others in the least-squares sense, none from itself.
    They are solved in closed form: with ``P`` the inverse of ``X'X + regularisation``, the weight
    of i for j is ``-P_ij / P_jj``.

    For n items with events, fitting holds 12 n² bytes (a float64 matrix, inverted in place, and
    the float32 weights) and takes time in n³; the model is 4 n² bytes: at 20,000 items 4.8 GB and
    1.6 GB. With `propensity`, what is foreseen is the action over the chance to be met, whose mean
    is the liking (the estimator of Schnabel et al., 2016); the solution is that without it with
    scaled columns.
    """

    name = "ease"
    config_class = EASEConfig
    needs_behaviour = True
    learns_on = True
    usual_half_life = 5.0

    config: EASEConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _items: NDArray[np.int32]
    _weights: NDArray[np.float32]

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        people = interactions(train, self.config)
        self._items = np.flatnonzero(people.getnnz(axis=0)).astype(np.int32)
        self._check_size(len(self._items))
        self._weights = item_weights(people[:, self._items], self.config.regularisation)
        if self.config.propensity:
            shown = exposure_of(train, self.config.exposure)
            inverse = inverse_propensity(self.item_counts, self.config.propensity, shown)
            self._weights *= inverse[self._items]

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        size = self.item_vocabulary.size
        weights = self.recency_weights(histories)
        rows = history_matrix(histories, weights, size)[:, self._items]
        # Items that were not learnt of come last, whatever the sum for the others is.
        found = rows @ self._weights
        scores = np.repeat(found.min(axis=1, keepdims=True), size, axis=1)
        scores[:, self._items] = found
        return scores

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {_ITEMS: self._items, _WEIGHTS: self._weights}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._items, self._weights = tensors[_ITEMS], tensors[_WEIGHTS]
        n = len(self._items)
        if self._weights.shape != (n, n) or self._items.max(initial=0) >= self.item_vocabulary.size:
            raise ValueError("the weights do not fit the items")

    def _check_size(self, items: int) -> None:
        if items > self.config.most_items:
            raise InputError(
                f"{items:,} items need {12e-9 * items**2:.1f} GB of memory here; at most "
                f"{self.config.most_items:,} are allowed.",
                field="most_items",
                hint="Raise most_items if there is as much, take out rare items with "
                "data.cleaning.min_item_events, or use itemknn or als, which grow with the events.",
            )


def item_weights(people: SparseMatrix, regularisation: float) -> NDArray[np.float32]:
    """The weights of EASE, float32[items, items]: in column j, what foresees item j.

    Args:
        people: float[people, items].
        regularisation: Above 0.
    """
    gram = np.asfortranarray((people.T @ people).toarray(), np.float64)
    gram[np.diag_indices_from(gram)] += regularisation
    # Inverted where it lies; only the lower triangle is written.
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (gram,))
    factor, failed = factorise(gram, lower=1, overwrite_a=1)
    inverse, failed_too = invert(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ArithmeticError("the items' products can't be inverted; raise the regularisation")
    half = np.tril(inverse, -1).astype(np.float32)
    return -(half + half.T) / np.diag(inverse).astype(np.float32)
