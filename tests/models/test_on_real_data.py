"""Baselines on MovieLens-100k are as good as they were: full ranking, last action held out."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.recommender_base import RecommenderBase

from foretaste.data import Split, read
from foretaste.evaluation import evaluate
from foretaste.metrics import hit_positions, ndcg
from foretaste.models import BPR, MODELS, ItemKNN, Recommender
from foretaste.models._implicit import ImplicitConfig, interactions
from tests.conftest import shared_data


@pytest.fixture(scope="module")
def split() -> Split:
    data = read(shared_data("ml-100k"), layout="recbole")
    return data.split("leave-one-out")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("popularity", 0.040, 0.050),
        ("itemknn", 0.095, 0.115),
        ("userknn", 0.070, 0.090),
        ("als", 0.090, 0.110),
        ("bpr", 0.095, 0.120),
        ("ease", 0.090, 0.110),
    ],
)
def test_ndcg(split: Split, name: str, low: float, high: float) -> None:
    report = evaluate(MODELS[name]().fit(split.train), split, resamples=100)
    assert low < report.metric("NDCG@10").value < high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "oracle"),
    [
        (ItemKNN(shrinkage=0, half_life=None), CosineRecommender(K=101)),
        (ItemKNN(shrinkage=0, half_life=None, weighting="tfidf"), TFIDFRecommender(K=101)),
        (
            ItemKNN(shrinkage=0, half_life=None, weighting="bm25"),
            BM25Recommender(K=101),
        ),
        (
            BPR(half_life=None, learning_rate=0.01),
            BayesianPersonalizedRanking(
                factors=64, learning_rate=0.01, iterations=100, random_state=0, num_threads=1
            ),
        ),
    ],
    ids=["cosine", "tfidf", "bm25", "bpr"],
)
def test_as_good_as_implicit_alone(
    split: Split, model: Recommender, oracle: RecommenderBase
) -> None:
    """Within 3% of its NDCG@10 at the same settings, or above."""
    people = interactions(split.train, ImplicitConfig())
    oracle.fit(people, show_progress=False)
    users = split.test.users - 1
    seen = people[users].tolil()
    histories = split.test.histories
    seen[histories.row_of_value, histories.values] = 1
    theirs, _ = oracle.recommend(users, seen.tocsr(), N=10, filter_items=np.array([0]))
    ours = model.fit(split.train).rank(split.test.histories, 10).items
    found = [
        ndcg(
            hit_positions(ranked, split.test.items.row_of_value, split.test.items.values),
            split.test.items.lengths,
        ).mean()
        for ranked in (ours, theirs)
    ]
    assert found[0] > 0.97 * found[1], found
