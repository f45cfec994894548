"""Candidates from an index are those of the model, and no item is scored for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data import Dataset
from foretaste.errors import ConfigError, InputError
from foretaste.models import ALS, ContentBased, ItemKNN, Recommender
from foretaste.ranking import Catalogue, Ranker, RankingConfig, RankingPipeline
from foretaste.ranking.index import VectorIndex
from tests.contracts.test_recommenders import LetterEncoder

ITEMS, PEOPLE = 400, 90


def world() -> Dataset:
    rng = np.random.default_rng(0)
    events = pl.DataFrame(
        {
            "user_id": rng.integers(0, PEOPLE, 1500),
            "item_id": (ITEMS * rng.random(1500) ** 2).astype(np.int64),
            "timestamp": np.arange(1500),
        }
    )
    items = pl.DataFrame({"item_id": np.arange(ITEMS + 5), "price": np.arange(ITEMS + 5) % 17})
    return Dataset.from_tables(events, items)


class ScoresNothingElse(ALS):
    """Fails when it is asked to score all items."""

    def _score(self, histories: object) -> Any:
        raise AssertionError("all items are scored")


DATA = world()
MODEL = ALS(factors=8, iterations=3).fit(DATA)
BLIND = ScoresNothingElse.from_state(MODEL.state())
COLD = ITEMS + 2

indexes = st.sampled_from(
    [
        {"kind": "exact", "precision": "float32"},
        {"kind": "exact", "precision": "int8"},
        {"kind": "ivf", "recall": 1.0, "precision": "float32"},
    ]
)
policies = st.fixed_dictionaries(
    {
        "sources": st.lists(st.sampled_from(["model", "popular", "new"]), min_size=1, unique=True),
        "pool": st.sampled_from([3, 60]),
        "rules": st.lists(
            st.sampled_from(["INCLUDE item WHERE price > 3", "EXCLUDE item WHERE item_id < 30"]),
            unique=True,
        ),
        "seen": st.fixed_dictionaries({"exclude": st.booleans()}),
        "promotions": st.lists(
            st.just({"where": "INCLUDE item WHERE price = 5", "least": 2}), max_size=1
        ),
    }
)


def ranker(policy: dict[str, Any], model: Recommender = MODEL) -> Ranker:
    catalogue = Catalogue.of(model, DATA.items)
    return Ranker(RankingPipeline(RankingConfig.parse(policy), catalogue, model))


@settings(max_examples=40)
@given(policies, indexes, st.integers(1, 30))
def test_lists_are_those_of_a_model_that_scores_everything(
    policy: dict[str, Any], index: dict[str, Any], k: int
) -> None:
    users = [3, 7, -1, 11]
    expected = ranker(policy | {"index": None}).recommend(users=users, k=k).table
    found = ranker(policy | {"index": index}, BLIND).recommend(users=users, k=k).table
    assert found["user_id"].to_list() == expected["user_id"].to_list()
    # An int8 index may swap the last of the pool, which may be on a list; it invents no score.
    rounding = 0.05 if index["precision"] == "int8" else 1e-4
    np.testing.assert_allclose(found["score"], expected["score"], rtol=rounding, atol=rounding)
    for row in found.filter(pl.col("user_id") != -1).iter_rows(named=True):
        history = MODEL.history_of(row["user_id"])
        [[score]] = MODEL.score([history], [row["item_id"]])
        assert row["score"] == pytest.approx(score, rel=1e-4, abs=1e-5)
        assert row["item_id"] not in history or not policy["seen"]["exclude"]


def test_people_of_whom_nothing_is_known_get_what_is_popular() -> None:
    policy = {"index": {"kind": "exact"}, "pool": ITEMS + 5}
    histories = [[], [COLD], [3]]
    table = ranker(policy, BLIND).recommend(histories=histories, k=ITEMS + 5).table
    expected = MODEL.recommend(histories=[[]], k=20)["item_id"].to_list()
    lists = {row: part["item_id"].to_list() for (row,), part in table.group_by("user_id")}
    assert lists[0][:20] == lists[1][:20] == expected
    assert COLD in lists[0]
    assert COLD not in lists[1]
    assert 3 not in lists[2]
    assert set(table.filter(pl.col("user_id") < 2)["source"]) == {"popularity"}


def test_it_goes_by_the_size_of_the_catalogue_and_says_so() -> None:
    def told(model: Recommender, index: dict[str, Any] | None) -> str:
        return ranker({"index": index}, model).recommend(histories=[[3]], k=3).trace.search

    assert "scores each of 405 items: no more than exact_up_to" in told(MODEL, {})
    assert told(MODEL, None) == "'als' scores each of 405 items."
    assert "inverted lists or more (float16)" in told(MODEL, {"exact_up_to": 404})
    assert "an exact index (int8)" in told(MODEL, {"kind": "exact", "precision": "int8"})
    knn = ItemKNN().fit(DATA)
    assert "no products of vectors" in told(knn, {"exact_up_to": 404})
    with pytest.raises(ConfigError, match="no products of vectors") as raised:
        ranker({"index": {"kind": "exact"}}, knn)
    assert raised.value.field == "ranking.index.kind"


@pytest.mark.parametrize("kind", ["exact", "ivf"])
def test_new_items_are_added_to_the_index(kind: str) -> None:
    model = ContentBased(content=LetterEncoder()).fit(DATA)
    config = RankingConfig.parse({"index": {"kind": kind, "recall": 1.0}, "sources": ["model"]})
    before = RankingPipeline(config, Catalogue.of(model), model).search.index
    assert before is not None
    fingerprint = before.fingerprint
    model.add_items(pl.DataFrame({"item_id": [7_000_000, 8_000_001]}))
    after = RankingPipeline(config, Catalogue.of(model), model, index=before)
    assert after.search.index is not None
    assert len(after.search.index) == len(model.item_vocabulary) == ITEMS + 7
    assert after.search.index.fingerprint != fingerprint
    # Whoever searches the one there was finds what they found before.
    assert (len(before), before.fingerprint) == (ITEMS + 5, fingerprint)
    found = before.search(model.item_vectors[[7, ITEMS + 6]], ITEMS + 7).items
    assert found.max() == ITEMS + 5
    table = Ranker(after).recommend(histories=[[7_000_000]], k=400).table
    expected = model.recommend(histories=[[7_000_000]], k=400)
    assert 8_000_001 in table["item_id"].to_list()
    np.testing.assert_allclose(table["score"], expected["score"], atol=1e-2)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
@pytest.mark.parametrize("kind", ["exact", "ivf"])
def test_an_index_of_other_vectors_is_refused(kind: str, precision: str) -> None:
    config = RankingConfig.parse({"index": {"kind": kind, "precision": precision}})
    catalogue = Catalogue.of(MODEL, DATA.items)
    index = RankingPipeline(config, catalogue, MODEL).search.index
    assert isinstance(index, VectorIndex)
    assert RankingPipeline(config, catalogue, BLIND, index=index).search.index is index
    others = (ALS(factors=8, iterations=3, seed=1), ALS(factors=4), ALS(factors=8, iterations=1))
    for other in others:
        other.fit(DATA)
        with pytest.raises(InputError, match="built for other vectors"):
            RankingPipeline(config, Catalogue.of(other), other, index=index)
    # Other settings are no mistake: the index is built anew.
    changed = RankingConfig.parse({"index": {"kind": kind, "precision": precision, "seed": 9}})
    assert RankingPipeline(changed, catalogue, MODEL, index=index).search.index is not index
