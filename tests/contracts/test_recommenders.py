"""Every model in the registry keeps the contract."""

from __future__ import annotations

from foretaste.models import ALS, ItemKNN, Popularity, Recommender
from tests.contracts.recommender import CollaborativeContract, RecommenderContract


class TestPopularity(RecommenderContract):
    def make(self) -> Recommender:
        return Popularity()


class TestItemKNN(CollaborativeContract):
    def make(self) -> Recommender:
        return ItemKNN()


class TestALS(CollaborativeContract):
    def make(self) -> Recommender:
        return ALS(factors=2, iterations=5, seed=3)
