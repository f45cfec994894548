"""Boosted trees over the numbers and choices of a pair, through LightGBM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretaste.models.interest.bodies.base import BodyConfig, Examples, Floats, Shape
from foretaste.models.interest.inputs import Inputs
from foretaste.training import TrainingHistory

_TREES, _START = "trees", "start"
_PATIENCE = 40
#: Probabilities of ratings nearer to 0 and 1 than this have no log-odds.
_SURE = 1e-4
#: Leading dimensions of an item's text vector that trees may ask about.
_WORDS = 16


class TreesBody:
    """Gradient-boosted trees (LightGBM, Ke et al., 2017).

    Trees read no ids: what is known of a person and an item is in the numbers. Those that are
    guesses of the label themselves (`Shape.guesses`) are weighed first, by a regression from whose
    answers the trees go on: steps of trees follow a straight line badly.

    Args:
        shape: Of the inputs.
        config: Settings.
    """

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        self._content = shape.content[:, :_WORDS]
        self._choices = len(shape.choices)
        self._guesses = list(shape.guesses)
        #: Weights of the guesses, and what is added.
        self._start = np.zeros(len(self._guesses) + 1)
        self._config = config
        self._rating = shape.goals[0].rating
        self._trees: Any = None
        self.history: TrainingHistory | None = None

    def fit(self, train: Examples, validation: Examples | None, rounds: int | None) -> int:
        """As `Body.fit`; rounds are trees."""
        import lightgbm as lgb

        if self._guesses:
            self._start = self._regressed(train)
        data = self._data(train)
        judged = [] if validation is None else [self._data(validation, data)]
        stop = [lgb.early_stopping(_PATIENCE, verbose=False)] if judged and rounds is None else []
        self._trees = lgb.train(
            self._settings(),
            data,
            self._config.trees if rounds is None else rounds,
            valid_sets=judged,
            callbacks=stop,
        )
        # A saved booster keeps its best trees only.
        return self._trees.best_iteration or self._trees.num_trees()

    def log_odds(self, inputs: Inputs) -> Floats:
        """float32[n]."""
        raw = self._trees.predict(self._table(inputs), raw_score=True)
        found = np.asarray(raw, np.float64) + self._started(inputs)
        if self._rating:
            share = found.clip(_SURE, 1 - _SURE)
            found = np.log(share / (1 - share))
        return found.astype(np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The trees as text, in bytes, and what they start from."""
        return {
            _START: self._start,
            _TREES: np.frombuffer(self._trees.model_to_string().encode(), np.uint8),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes back the trees, and what they start from."""
        import lightgbm as lgb

        self._start = tensors[_START]
        self._trees = lgb.Booster(model_str=tensors[_TREES].astype(np.uint8).tobytes().decode())

    def _regressed(self, train: Examples) -> NDArray[np.float64]:
        """A weight for each guess, and what is added to them."""
        from sklearn.linear_model import LogisticRegression, Ridge

        kind = Ridge(1.0) if self._rating else LogisticRegression()
        kind.fit(train.inputs.numbers[:, self._guesses], train.labels, train.weights)
        return np.append(np.ravel(kind.coef_), kind.intercept_).astype(np.float64)

    def _started(self, inputs: Inputs) -> NDArray[np.float64]:
        """What trees are added to, float64[n]."""
        return inputs.numbers[:, self._guesses] @ self._start[:-1] + self._start[-1]

    def _table(self, inputs: Inputs) -> Floats:
        choices = inputs.choices.astype(np.float32)
        return np.concatenate([choices, inputs.numbers, self._content[inputs.items]], axis=1)

    def _data(self, examples: Examples, like: Any = None) -> Any:
        import lightgbm as lgb

        return lgb.Dataset(
            self._table(examples.inputs),
            examples.labels,
            weight=examples.weights,
            init_score=self._started(examples.inputs) if self._guesses else None,
            reference=like,
            categorical_feature=list(range(self._choices)),
            params={"max_bin": 63, "verbosity": -1},
        )

    def _settings(self) -> dict[str, Any]:
        config = self._config
        return {
            "objective": "l2" if self._rating else "binary",
            "metric": "l2" if self._rating else "auc",
            "learning_rate": config.tree_rate,
            "num_leaves": config.leaves,
            "min_data_in_leaf": 100,
            "feature_fraction": 0.4,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 10.0,
            "max_bin": 63,
            "cat_smooth": 20,
            "seed": config.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
