"""Every model in the registry keeps the contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from foretaste.models import (
    ALS,
    BPR,
    EASE,
    MODELS,
    BERT4Rec,
    ByVectors,
    CL4SRec,
    ContentBased,
    DuoRec,
    GRU4Rec,
    ItemKNN,
    LightGCN,
    LRURec,
    NeuralCF,
    NextAction,
    NextItNet,
    Popularity,
    Recommender,
    SequenceRecommender,
    StackingHybrid,
    SVDPlusPlus,
    SwitchingHybrid,
    TfIdf,
    TwoTower,
    UserKNN,
    WeightedHybrid,
)
from tests.contracts.recommender import CollaborativeContract, RecommenderContract

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class LetterEncoder:
    """Counts the letters of ids: an encoder that needs no weights."""

    dimension = len(_LETTERS)
    fingerprint = "letters"

    def encode(self, items: pl.DataFrame) -> np.ndarray:
        counts = [pl.col("item_id").cast(pl.String).str.count_matches(c) for c in _LETTERS]
        table = items.select(
            count.cast(pl.Float32).alias(c) for c, count in zip(_LETTERS, counts, strict=True)
        )
        return np.ascontiguousarray(table.to_numpy())


QUICK = {
    "epochs": 25,
    "learning_rate": 0.03,
    "warmup_steps": 0,
    "batch_tokens": 64,
    "average": 0.9,
}

SMALL_SEQUENCE: dict[str, Any] = {"dimension": 8, "negatives": 4, "training": {"epochs": 2}}


def members() -> list[Recommender]:
    return [
        ItemKNN(shrinkage=0),
        EASE(regularisation=1.0, half_life=None),
        ContentBased(content=LetterEncoder()),
    ]


class TestPopularity(RecommenderContract):
    exact = True

    def make(self) -> Recommender:
        return Popularity()


class TestItemKNN(CollaborativeContract):
    exact = True

    def make(self) -> Recommender:
        return ItemKNN()


class TestUserKNN(CollaborativeContract):
    exact = True

    def make(self) -> Recommender:
        return UserKNN()


class TestALS(CollaborativeContract):
    def make(self) -> Recommender:
        return ALS(factors=2, iterations=5, seed=3)


class TestBPR(CollaborativeContract):
    def make(self) -> Recommender:
        return BPR(factors=4, iterations=60, half_life=None, seed=1)


class TestEASE(CollaborativeContract):
    exact = True

    def make(self) -> Recommender:
        return EASE(regularisation=1.0, half_life=None)


class TestSVDPlusPlus(RecommenderContract):
    """Its order is that of ratings: who acts on what is not what it learns."""

    def make(self) -> Recommender:
        return SVDPlusPlus(factors=4, training={"epochs": 2})


class TestNeuralCF(CollaborativeContract):
    def make(self) -> Recommender:
        return NeuralCF(dimension=8, layers=(8,), negatives=16, half_life=None, training=QUICK)


class TestLightGCN(CollaborativeContract):
    def make(self) -> Recommender:
        return LightGCN(dimension=8, half_life=None, training=QUICK)


class TestTfIdf(RecommenderContract):
    def make(self) -> Recommender:
        return TfIdf(fields=("item_id",))


class TestWeightedHybrid(CollaborativeContract):
    def make(self) -> Recommender:
        return WeightedHybrid(recommenders=members())


class TestSwitchingHybrid(CollaborativeContract):
    def make(self) -> Recommender:
        return SwitchingHybrid(recommenders=members())


class TestStackingHybrid(CollaborativeContract):
    def make(self) -> Recommender:
        return StackingHybrid(recommenders=members(), trees=20, leaves=3, least_in_leaf=5)


class TestContentBased(RecommenderContract):
    def make(self) -> Recommender:
        return ContentBased(content=LetterEncoder())


class TestTwoTower(RecommenderContract):
    def make(self) -> Recommender:
        return TwoTower(content=LetterEncoder(), dimension=8, negatives=8, training={"epochs": 2})


class TestSequence(RecommenderContract):
    def make(self) -> Recommender:
        return SequenceRecommender(content=LetterEncoder(), **SMALL_SEQUENCE)


class TestGRU4Rec(RecommenderContract):
    def make(self) -> Recommender:
        return GRU4Rec(**SMALL_SEQUENCE)


class TestNextItNet(RecommenderContract):
    def make(self) -> Recommender:
        return NextItNet(**SMALL_SEQUENCE)


class TestLRURec(RecommenderContract):
    def make(self) -> Recommender:
        return LRURec(**SMALL_SEQUENCE)


class TestBERT4Rec(RecommenderContract):
    def make(self) -> Recommender:
        return BERT4Rec(**SMALL_SEQUENCE)


class TestCL4SRec(RecommenderContract):
    def make(self) -> Recommender:
        return CL4SRec(**SMALL_SEQUENCE)


class TestDuoRec(RecommenderContract):
    def make(self) -> Recommender:
        return DuoRec(**SMALL_SEQUENCE)


class TestNextAction(RecommenderContract):
    def make(self) -> Recommender:
        # One person who acts on one item twice would have a single event left.
        return NextAction(**SMALL_SEQUENCE, collapse_repeats=False)


def test_none_is_forgotten() -> None:
    contracts = [RecommenderContract, *RecommenderContract.__subclasses__()]
    tested = {
        contract().make().name
        for parent in contracts
        for contract in parent.__subclasses__()
        if "make" in vars(contract)
    }
    assert tested == set(MODELS)


def test_models_that_an_index_can_search() -> None:
    others = {"popularity", "itemknn", "userknn", "ease", "neuralcf", "tfidf"}
    others |= {"weighted", "switching", "hybrid"}
    assert {name for name in MODELS if not issubclass(MODELS[name], ByVectors)} == others
