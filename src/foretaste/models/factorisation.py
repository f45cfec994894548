"""Matrix factorisation by alternating least squares and by ranking, through `implicit`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._implicit import ImplicitConfig, interactions
from foretaste.models._sparse import SparseMatrix, history_matrix
from foretaste.models.base import Tensor
from foretaste.models.recency import ByRecency, RecencyConfig
from foretaste.models.vectors import ByVectors
from foretaste.progress import progress_bar

#: Share of the rounds or passes of a fit that learning on takes: it starts near the goal.
_ON = 0.2

_ITEM_FACTORS = "als.item_factors"
_BPR_FACTORS = "bpr.item_factors"


class ALSConfig(RecencyConfig, ImplicitConfig):
    """Settings of `ALS`.

    Attributes:
        factors: Dimensions of the vectors of people and items.
        regularisation: Weight of the squared lengths of the vectors.
        alpha: How much more an action is trusted than the lack of one.
        iterations: Rounds over the people and the items.
        seed: Of the vectors' first values.
    """

    factors: int = Field(default=64, ge=1)
    regularisation: float = Field(default=1.0, gt=0)
    alpha: float = Field(default=40.0, ge=0)
    iterations: int = Field(default=15, ge=1)
    seed: int = Field(default=0, ge=0)


class ALS(ByVectors, ByRecency):
    """Scores an item by the product of its vector and the person's.

    The model of Hu, Koren & Volinsky (2008) for implicit feedback: the confidence in "person u
    likes item i" is ``1 + alpha * actions of u on i``, and 1 in "does not" where there are none.
    Actions count by their type in training, where `event_weights` says so.

    Only the vectors of items are kept. A person's is solved from their history in closed form
    (equation 4 of the paper) when they ask, so that people met in training, new people and those
    who acted since are treated alike; what was done long ago is trusted less.
    """

    name = "als"
    config_class = ALSConfig
    needs_behaviour = True
    learns_on = True
    usual_half_life = 3.0

    config: ALSConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _solver: AlternatingLeastSquares

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        weights = train.event_weights(self.config.event_weights)
        self._solve(self._new_solver(), self._confidences(train.histories(), weights))

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Goes on from the vectors of items with a fifth of the rounds, over all histories."""
        solver = self._new_solver()
        solver.item_factors = self._solver.item_factors.copy()
        solver.iterations = max(1, round(_ON * solver.iterations))
        self._solve(solver, self._confidences(self.histories))

    def _solve(self, solver: AlternatingLeastSquares, confidences: SparseMatrix) -> None:
        with threadpool_limits(1, "blas"), progress_bar("Factorising", solver.iterations) as bar:

            def advance(*_: object) -> None:
                bar.advance()

            solver.fit(confidences, show_progress=False, callback=advance)
        self._use(solver.item_factors)

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """Vectors of people, float32[rows, factors], solved from their histories."""
        confidences = self._confidences(histories, self.recency_weights(histories))
        return self._solver.recalculate_user(np.arange(len(histories)), confidences)

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """Vectors by item code, float32[items + 1, factors]."""
        return self._solver.item_factors

    def contributions(self, histories: Ragged, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """What each action of each history adds to the score of one item.

        The person's vector is a sum over their items, and so is the score: section 5 of the
        paper. The weights in the sum are the person's own, so leaving an item out changes them.

        Args:
            histories: Item codes.
            items: int32[rows], the code of the item that is scored for each history.

        Returns:
            float32[total], in the order of `histories.values`; a row adds up to its score.
        """
        weights = self.recency_weights(histories)
        factors, confidences = self._solver.item_factors, self._confidences(histories, weights)
        every = self._solver.YtY + self.config.regularisation * np.eye(factors.shape[1])
        added = np.empty(len(histories.values), np.float32)
        for row, (start, end) in enumerate(pairwise(histories.offsets)):
            own = confidences[row]
            vectors = factors[own.indices]
            weighting = every + (vectors.T * (own.data - 1)) @ vectors
            similarity = factors[histories.values[start:end]] @ np.linalg.solve(
                weighting, factors[items[row]]
            )
            # Repeats of an item share its confidence: 1, and alpha times its weight for each.
            _, which, repeats = np.unique(
                histories.values[start:end], return_inverse=True, return_counts=True
            )
            trust = self.config.alpha * weights[start:end]
            added[start:end] = similarity * (trust + 1 / repeats[which])
        return added

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items have zero vectors."""
        self._use(np.pad(self._solver.item_factors, ((0, len(codes)), (0, 0))))

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {_ITEM_FACTORS: self._solver.item_factors}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._use(tensors[_ITEM_FACTORS])

    def _use(self, item_factors: NDArray[np.float32]) -> None:
        """Makes ready to solve for people against these vectors of items."""
        expected = (self.item_vocabulary.size, self.config.factors)
        if item_factors.shape != expected:
            raise ValueError(f"item factors are {item_factors.shape}, not {expected}")
        # One BLAS thread: `implicit` has threads of its own, and sums come out the same anywhere.
        with threadpool_limits(1, "blas"):
            self._solver = self._new_solver()
            self._solver.item_factors = item_factors
            self._solver.YtY  # noqa: B018 - computes and keeps it

    def _new_solver(self) -> AlternatingLeastSquares:
        # `implicit` takes whole confidences, so its own alpha stays 1.
        return AlternatingLeastSquares(
            factors=self.config.factors,
            regularization=self.config.regularisation,
            alpha=1.0,
            iterations=self.config.iterations,
            random_state=self.config.seed,
        )

    def _confidences(
        self, histories: Ragged, weights: NDArray[np.float32] | float = 1.0
    ) -> SparseMatrix:
        trust = np.full(len(histories.values), self.config.alpha, np.float32) * weights
        matrix = history_matrix(histories, trust, self.item_vocabulary.size)
        if self.config.event_weights:
            matrix.eliminate_zeros()  # `implicit` takes whatever is stored for a liking
        matrix.data += 1
        return matrix


class BPRConfig(RecencyConfig, ImplicitConfig):
    """Settings of `BPR`.

    Attributes:
        factors: Dimensions of the vectors.
        learning_rate: Of stochastic gradient descent.
        regularisation: Weight of the squared lengths of the vectors.
        iterations: Passes over the actions.
        seed: Of the vectors' first values and of the draws.
    """

    factors: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=0.05, gt=0)
    regularisation: float = Field(default=0.01, ge=0)
    iterations: int = Field(default=100, ge=1)
    seed: int = Field(default=0, ge=0)


class BPR(ByVectors, ByRecency):
    """Scores an item by its bias and the product of its vector and the person's.

    The vectors are those that put what people acted on before what they did not, pair by pair:
    Bayesian personalised ranking (Rendle et al., 2009). Only the vectors of items are kept; a
    person is the mean of those of their history, the latest weighted most. On MovieLens-100k that
    ranks better than the vectors learnt for people, even where all actions count alike.

    Of `event_weights` only the zeros act: pairs are drawn alike among all other actions.
    """

    name = "bpr"
    config_class = BPRConfig
    needs_behaviour = True
    learns_on = True
    usual_half_life = 2.0

    config: BPRConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _factors: NDArray[np.float32]

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        self._solve(self._new_solver(), interactions(train, self.config))

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Goes on from the vectors of items with a fifth of the passes, over all histories."""
        people = interactions(self.known.as_dataset(), self.config)
        solver = self._new_solver()
        solver.item_factors = self._factors.copy()
        # Those learnt for people are not kept: they start as what people are answered by.
        solver.user_factors = self._people(people)
        solver.iterations = max(1, round(_ON * solver.iterations))
        self._solve(solver, people)

    def _new_solver(self) -> Any:
        """A `BayesianPersonalizedRanking`, which comes without types."""
        config = self.config
        return BayesianPersonalizedRanking(
            factors=config.factors,
            learning_rate=config.learning_rate,
            regularization=config.regularisation,
            iterations=config.iterations,
            random_state=config.seed,
            num_threads=1,  # threads that race for the vectors make every run another
        )

    def _solve(self, solver: Any, people: SparseMatrix) -> None:
        with progress_bar("Factorising", solver.iterations) as bar:

            def advance(*_: object) -> None:
                bar.advance()

            solver.fit(people, show_progress=False, callback=advance)
        self._factors = solver.item_factors
        # `implicit` leaves them at zero, above all that people act on less than on average.
        self._factors[self.item_counts == 0, -1] = self._factors[:, -1].min()

    def user_vectors(self, histories: Ragged) -> NDArray[np.float32]:
        """Vectors of people, float32[rows, factors + 1]: means of their items', and 1."""
        weights = self.recency_weights(histories)
        return self._people(history_matrix(histories, weights, len(self._factors)))

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """Vectors by item code, float32[items + 1, factors + 1]; the bias comes last."""
        return self._factors

    def _people(self, rows: SparseMatrix) -> NDArray[np.float32]:
        """float32[rows, factors + 1], the mean vector of the items of every row."""
        weight = np.maximum(rows.sum(axis=1), np.finfo(np.float32).tiny)
        people = np.asarray((rows @ self._factors) / weight, np.float32)
        people[:, -1] = 1  # The last dimension is the bias of items.
        return people

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """New items have zero vectors and the lowest bias."""
        self._factors = np.pad(self._factors, ((0, len(codes)), (0, 0)))
        self._factors[codes, -1] = self._factors[:, -1].min()

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {_BPR_FACTORS: self._factors}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._factors = tensors[_BPR_FACTORS]
        expected = (self.item_vocabulary.size, self.config.factors + 1)
        if self._factors.shape != expected:
            raise ValueError(f"item factors are {self._factors.shape}, not {expected}")
