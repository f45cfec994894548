"""A small catalogue with every kind of column, people's events on it, and a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from foretaste.data import Dataset
from foretaste.models import ALS, Recommender
from foretaste.ranking import Catalogue, DatasetEvents, Ranker, RankingConfig, RankingPipeline
from tests.evaluation.small import TableModel

ITEMS, PEOPLE = 30, 8
NOW = 1_700_000_000_000
DAY = 86_400_000


def items() -> pl.DataFrame:
    """Item i<n>: price n, category by n modulo 3, and ratings, stock and words."""
    numbers = range(ITEMS)
    return pl.DataFrame(
        {
            "item_id": [f"i{n:02}" for n in numbers],
            "title": [f"{'Gin' if n % 5 == 0 else 'Lemonade'} no. {n}" for n in numbers],
            "categories": [[f"c{n % 3}", f"d{n % 4}"] for n in numbers],
            "brand": [None if n % 7 == 0 else f"b{n % 2}" for n in numbers],
            "price": [float(n) for n in numbers],
            "stock": [n % 6 for n in numbers],
            "rating": ["R" if n % 4 == 0 else "G" for n in numbers],
        }
    )


def dataset() -> Dataset:
    """Person p looked at items p..p+5, a day apart up to `NOW`, and bought the first two."""
    rows = [(person, person + step, step) for person in range(PEOPLE) for step in range(6)]
    return Dataset.from_tables(
        pl.DataFrame(
            {
                "user_id": [f"p{person}" for person, _, _ in rows],
                "item_id": [f"i{item:02}" for _, item, _ in rows],
                "timestamp": [NOW - (5 - step) * DAY for _, _, step in rows],
                "event_type": ["purchase" if step < 2 else "view" for _, _, step in rows],
            }
        ),
        items(),
    )


def vectors(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ITEMS, 6)).astype(np.float32)


DATA = dataset()
#: Every score is different, so an order has but one right answer.
MODEL = TableModel(levels=10_000, seed=1).fit(DATA)
CATALOGUE = Catalogue.of(MODEL, DATA.items, vectors=vectors())
#: One that an index can search.
BY_VECTORS = ALS(factors=4, iterations=3).fit(DATA)
LOG = DatasetEvents(DATA)


def ranker(model: Recommender = MODEL, catalogue: Catalogue = CATALOGUE, **settings: Any) -> Ranker:
    config = RankingConfig.parse(settings)
    return Ranker(RankingPipeline(config, catalogue, model, events=LOG.schema), events=LOG)


def listed(table: pl.DataFrame, user: str) -> list[str]:
    return table.filter(pl.col("user_id") == user)["item_id"].to_list()
