"""Stacking: boosted trees rank what several recommenders put forward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from foretaste.data import Dataset, Ragged, Targets
from foretaste.data.schema import TEXT_COLUMNS
from foretaste.models.base import Recommender, Tensor
from foretaste.models.content_based import TfIdf
from foretaste.models.hybrid.ensemble import Ensemble, EnsembleConfig
from foretaste.models.hybrid.features import feature_names, features, standard_scores, trends
from foretaste.models.hybrid.lists import Scored, act_again, are_in, scored_blocks, to_learn_from
from foretaste.models.hybrid.weighted import likeliest_weights
from foretaste.models.neighbours import ItemKNN

_TREES = "stacking.trees"
_WEIGHTS = "stacking.weights"
_TREND = "stacking.trend"
_READS = "stacking.reads"

#: Parts of the people by which the number of trees is chosen.
_FOLDS = 4
_PATIENCE = 30


class StackingConfig(EnsembleConfig):
    """Settings of `StackingHybrid`.

    Attributes:
        trees: At most; how many is chosen by cross-validation.
        leaves: Of a tree.
        learning_rate: Of boosting.
        least_in_leaf: Fewest pairs of a history and an item in a leaf.
    """

    trees: int = Field(default=500, ge=1)
    leaves: int = Field(default=7, ge=2)
    learning_rate: float = Field(default=0.03, gt=0)
    least_in_leaf: int = Field(default=100, ge=1)


class StackingHybrid(Ensemble):
    """Ranks what the members put forward by boosted trees that have seen how far to trust whom.

    LambdaMART (Burges, 2010), through LightGBM, over the union of the members' best items. The
    trees start from the likeliest weighted sum of the members' scores (as in `WeightedHybrid`) and
    learn what to add to it: a few thousand people teach a sum well, and trees from nothing badly.
    They read the members' scores and ranks, likeness to the words of the history and to its recent
    items, popularity, trend and length (`feature_names`). All is learnt from the validation targets
    only; how many trees are grown is chosen by cross-validation over people.

    Items that no member puts forward follow, by the weighted sum.
    """

    name = "hybrid"
    config_class = StackingConfig

    config: StackingConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _trees: lgb.Booster | None
    _weights: NDArray[np.float32]
    _trend: NDArray[np.float32]

    def __init__(
        self,
        config: StackingConfig | None = None,
        *,
        recommenders: Sequence[Recommender] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(config, recommenders=recommenders, **settings)
        self._similar = ItemKNN(half_life=None)
        self._words: TfIdf | None = None

    @property
    def importance(self) -> pl.DataFrame:
        """How much each feature lowered the loss: columns `feature` and `gain`, the most first."""
        gains = [] if self._trees is None else self._trees.feature_importance("gain").tolist()
        names = feature_names(self.recommenders, self._helpers()) if gains else []
        table = pl.DataFrame(
            {"feature": names, "gain": gains}, schema={"feature": pl.String, "gain": pl.Float64}
        )
        return table.sort("gain", descending=True)

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        columns = train.items.columns
        self._words = TfIdf(half_life=None) if set(columns) & set(TEXT_COLUMNS) else None
        super()._fit(train, validation)

    def _learn(self, train: Dataset, targets: Targets) -> None:
        self._trend = trends(train)
        tables: list[NDArray[np.float32]] = []
        wanted: list[NDArray[np.bool_]] = []
        sizes: list[NDArray[np.int64]] = []
        again = act_again(targets)
        for scored, block in scored_blocks(self.recommenders, targets, self.item_vocabulary.size):
            chosen = to_learn_from(scored, block, self.config.depth, again=again)
            rows, items = np.nonzero(chosen)
            hit = are_in(block.items, rows, items)
            # A list without anything wanted teaches no order.
            teaches = (np.bincount(rows[hit], minlength=len(block)) > 0)[rows]
            rows, items = rows[teaches], items[teaches]
            tables.append(self._features(scored, rows, items))
            wanted.append(hit[teaches])
            sizes.append(np.unique(rows, return_counts=True)[1])
        table, hits, lengths = np.concatenate(tables), np.concatenate(wanted), np.concatenate(sizes)
        standard = table[:, standard_scores(self.recommenders)]
        self._weights = likeliest_weights(standard, hits, lengths)
        self._trees = self._grown(table, standard @ self._weights, hits, lengths)

    def _grown(
        self,
        table: NDArray[np.float32],
        start: NDArray[np.float32],
        wanted: NDArray[np.bool_],
        sizes: NDArray[np.int64],
    ) -> lgb.Booster | None:
        """Trees over lists that lie one after the other; none where there is too little to see."""
        if len(sizes) < 2:
            return None
        lists = lgb.Dataset(
            table, wanted.astype(int), group=sizes, init_score=start, free_raw_data=False
        )
        course: dict[str, Any] = dict(
            lgb.cv(
                self._settings_of_trees(),
                lists,
                self.config.trees,
                nfold=min(_FOLDS, len(sizes)),
                callbacks=[lgb.early_stopping(_PATIENCE, verbose=False)],
            )
        )
        trees = len(course["valid ndcg@10-mean"])  # up to the best round
        return lgb.train(self._settings_of_trees(), lists, trees)

    def _settings_of_trees(self) -> dict[str, Any]:
        config = self.config
        return {
            "objective": "lambdarank",
            "metric": "ndcg",
            "eval_at": [10],
            "learning_rate": config.learning_rate,
            "num_leaves": config.leaves,
            "min_data_in_leaf": config.least_in_leaf,
            "feature_fraction": 0.8,
            "seed": config.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def _count_alike(self, train: Dataset) -> None:
        self._trend, self._trees = trends(train), None
        n = len(self.recommenders)
        self._weights = np.full(n, 1 / n, np.float32)

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        scored = Scored.by(self.recommenders, histories)
        together = np.tensordot(self._weights, scored.standard(), axes=1)
        if self._trees is None:
            return together
        rows, items = np.nonzero(scored.candidates(self.config.depth))
        found = np.asarray(self._trees.predict(self._features(scored, rows, items)))
        found += together[rows, items]
        lowest = np.minimum.reduceat(found, np.searchsorted(rows, np.arange(len(histories))))
        peak = together.max(axis=1, keepdims=True)
        scores = (lowest[:, None] - 1 + together - peak).astype(np.float32)
        scores[rows, items] = found
        return scores

    def _features(
        self, scored: Scored, rows: NDArray[np.int64], items: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return features(
            scored,
            Scored.by(self._helpers(), scored.histories),
            self._similar.similarity,
            np.log1p(self.item_counts).astype(np.float32),
            self._trend,
            rows,
            items,
        )

    def _helpers(self) -> list[Recommender]:
        """What tells how far an item goes with the whole history."""
        return [self._similar] if self._words is None else [self._similar, self._words]

    def _inside(self) -> tuple[Recommender, ...]:
        return (*self.recommenders, *self._helpers())

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        super()._add_items(items, codes)
        self._trend = np.pad(self._trend, (0, len(codes)))

    def _tensors(self) -> dict[str, Tensor]:
        text = "" if self._trees is None else self._trees.model_to_string()
        return super()._tensors() | {
            _TREES: np.frombuffer(text.encode(), np.uint8),
            _WEIGHTS: self._weights,
            _TREND: self._trend,
            _READS: np.array(self._words is not None),
        }

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._words = TfIdf(half_life=None) if tensors[_READS] else None
        super()._restore(tensors)
        self._trend, self._weights = tensors[_TREND], tensors[_WEIGHTS]
        if self._weights.shape != (len(self.recommenders),):
            raise ValueError("there is not one weight for every member")
        text = tensors[_TREES].astype(np.uint8).tobytes().decode()
        self._trees = lgb.Booster(model_str=text) if text else None
