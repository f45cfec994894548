"""Every model in the registry keeps the contract."""

from __future__ import annotations

import numpy as np
import polars as pl

from foretaste.models import (
    ALS,
    MODELS,
    ContentBased,
    ItemKNN,
    Popularity,
    Recommender,
    SequenceRecommender,
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


class TestPopularity(RecommenderContract):
    def make(self) -> Recommender:
        return Popularity()


class TestItemKNN(CollaborativeContract):
    def make(self) -> Recommender:
        return ItemKNN()


class TestALS(CollaborativeContract):
    def make(self) -> Recommender:
        return ALS(factors=2, iterations=5, seed=3)


class TestContentBased(RecommenderContract):
    def make(self) -> Recommender:
        return ContentBased(content=LetterEncoder())


class TestSequence(RecommenderContract):
    def make(self) -> Recommender:
        return SequenceRecommender(
            content=LetterEncoder(), dimension=8, negatives=4, training={"epochs": 2}
        )


def test_none_is_forgotten() -> None:
    contracts = [RecommenderContract, *RecommenderContract.__subclasses__()]
    tested = {
        contract().make().name
        for parent in contracts
        for contract in parent.__subclasses__()
        if "make" in vars(contract)
    }
    assert tested == set(MODELS)
