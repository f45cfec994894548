from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.errors import ConfigError, InputError, UnknownIdError
from foretaste.models import ItemKNN
from foretaste.ranking import RankingConfig
from tests.ranking.worlds import CATALOGUE, DATA, ITEMS, MODEL, listed, ranker

PEOPLE = ["p0", "p3", "p7"]


@pytest.mark.parametrize("k", [1, 7, 10 * ITEMS])
def test_default_configuration_gives_the_model_s_own_list(k: int) -> None:
    for model in (MODEL, ItemKNN().fit(DATA)):
        for whom in ({"users": [*PEOPLE, "nobody"]}, {"histories": [["i01"], [], ["i02", "?"]]}):
            found = ranker(model).recommend(**whom, k=k).table
            expected = model.recommend(**whom, k=k)
            assert found.select(expected.columns).equals(expected)
            assert (found["propensity"] == 1).all()


def test_sources_are_merged_and_each_is_named() -> None:
    names = ["model", "popular", "new", "similar"]
    found = ranker(sources=names, pool=4).recommend(users=["p0"], k=ITEMS)
    sources = {name for label in found.table["source"] for name in label.split("+")}
    assert sources == {"table", "popular", "new", "similar"}
    assert not found.table["item_id"].is_duplicated().any()
    scores = MODEL.score([MODEL.history_of("p0")], found.table["item_id"].to_list())[0]
    np.testing.assert_array_equal(found.table["score"].to_numpy(), scores)
    assert found.table["score"].is_sorted(descending=True)


def test_a_source_without_the_model_is_still_ranked_by_it() -> None:
    table = ranker(sources=["new"]).recommend(users=["p0"], k=5).table
    new = DATA.item_vocabulary.decode(np.flatnonzero(DATA.item_counts[1:] == 0) + 1)
    assert set(table["item_id"]) <= set(new)
    assert set(table["source"]) == {"new"}
    assert table["score"].is_sorted(descending=True)


def test_trace_counts_what_goes_in_and_out_of_every_stage() -> None:
    found = ranker(rules=['EXCLUDE item WHERE event_type = "view"'], pool=10).recommend(
        users=PEOPLE, k=3
    )
    table = found.trace.table()
    assert table["stage"].to_list() == [
        "candidates",
        "rank",
        "rules",
        "seen",
        "safety",
        "placement",
        "safety",
        "page",
    ]
    assert (table["milliseconds"] >= 0).all()
    assert table["items_in"][1:].to_list() == table["items_out"][:-1].to_list()
    assert table["items_out"][-1] == len(found.table)
    for record in found.trace.records:
        lost = np.bincount(record.dropped.rows, minlength=len(PEOPLE))
        np.testing.assert_array_equal(record.counts_in - lost, record.counts_out)


def test_trace_says_why_an_item_is_there_or_is_not() -> None:
    answers = ranker(
        rules=['EXCLUDE item WHERE category = "c1"'],
        safety={"blocked_items": ["i06"]},
        availability="stock",
        seen={"days": 3},
    )
    found = answers.recommend(users=["p0", "p1"], k=3, now=1_700_000_000_000)
    first = listed(found.table, "p1")[0]
    why = found.trace.why(first, person=1)
    assert why.there
    assert why.rank == 1
    assert why.steps[0].startswith("candidates: table (")
    assert "c1" in str(found.trace.why("i07"))
    assert "a blocked item" in str(found.trace.why("i06")) or "stock" in str(found.trace.why("i06"))
    assert "not available (stock)" in str(found.trace.why("i12"))
    assert not found.trace.why("i05").there
    assert "already acted on in the last 3 days" in str(found.trace.why("i05"))
    cut = [item for item in DATA.items["item_id"] if "after place" in str(found.trace.why(item))]
    assert cut
    with pytest.raises(UnknownIdError):
        found.trace.why("unheard of")
    with pytest.raises(InputError):
        found.trace.why("i01", person=2)


def test_contradictory_rules_give_an_empty_list_with_the_reason() -> None:
    rules = ['INCLUDE item WHERE category = "c1"', 'INCLUDE item WHERE category = "c2"']
    found = ranker(rules=rules).recommend(users=["p0"], k=5)
    assert found.table.is_empty()
    assert "c1" in found.trace.why_so_few()
    assert f"{ITEMS * 2 // 3}" in found.trace.why_so_few()


def test_rules_on_items_leave_a_full_list() -> None:
    rules = ['INCLUDE item WHERE category = "c1" AND price > 5']
    table = ranker(rules=rules, pool=4).recommend(users=PEOPLE, k=4).table
    assert table.group_by("user_id").len()["len"].to_list() == [4, 4, 4]


@pytest.mark.parametrize("k", [0, -3])
def test_fewer_than_one(k: int) -> None:
    with pytest.raises(InputError) as raised:
        ranker().recommend(users=["p0"], k=k)
    assert raised.value.field == "k"


def test_nobody() -> None:
    diverse = {"mmr": 0.5, "calibration": 0.5}
    answers = ranker(diversity=diverse, exploration={}, pins=[{"item": "i20"}])
    assert answers.recommend(users=[], k=3).table.is_empty()


def test_equal_ids_give_equal_lists_and_two_lists_have_two_ids() -> None:
    answers = ranker(exploration={"epsilon": 1})
    one, same, other = (
        answers.recommend(users=["p0"], k=8, recommendation_ids=[name]).table["item_id"].to_list()
        for name in ("a", "a", "b")
    )
    assert one == same != other
    with pytest.raises(InputError):
        answers.recommend(users=["p0", "p1"], recommendation_ids=["a", "a"])
    with pytest.raises(InputError):
        answers.recommend(users=["p0", "p1"], ages=[3])


def test_what_a_stage_of_one_s_own_does_is_traced_and_gated() -> None:
    from dataclasses import replace

    from foretaste.data import Ragged
    from foretaste.ranking import Outcome, RankingPipeline, Request

    class Smuggler:
        """Puts blocked item i06 (code 7) in front of everybody's list."""

        name = "smuggler"

        def __call__(self, lists, request):
            lengths = np.ones(len(lists), np.int64)
            items = Ragged.from_lengths(np.full(len(lists), 7, np.int32), lengths)
            return Outcome(
                replace(
                    lists,
                    items=items,
                    scores=np.ones(len(lists), np.float32),
                    source_scores=np.ones((len(lists), len(lists.sources)), np.float32),
                    propensities=np.ones(len(lists)),
                )
            )

    config = RankingConfig.parse({"safety": {"blocked_items": ["i06"]}})
    pipeline = RankingPipeline(config, CATALOGUE, MODEL, stages=[Smuggler()])
    lists, trace = pipeline.rank(Request.of(DATA.histories(), 5))
    assert not len(lists.items.values)
    assert "a blocked item" in trace.why_so_few()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"sources": ["modle"]}, "sources.0"),
        ({"rules": ["EXCLUDE itm"]}, "rules"),
        ({"divrsity": {}}, "divrsity"),
        ({"diversity": {"mmr": 1.1}}, "diversity.mmr"),
        ({"promotions": [{"where": "INCLUDE it"}]}, ""),
        ({"sources": ["model", "model"]}, ""),
    ],
)
def test_a_wrong_setting_is_named(settings: dict, field: str) -> None:
    with pytest.raises(ConfigError) as raised:
        RankingConfig.parse(settings)
    assert (raised.value.field or "") == field


def test_learning_needs_somebody_who_explores() -> None:
    with pytest.raises(InputError):
        ranker().learn(["i01"], [1.0])
    answers = ranker(exploration={"policy": "thompson"})
    answers.learn(["i01", "i01", "i02"], [1.0, 0.0, 1.0])
    with pytest.raises(InputError):
        answers.learn(["i01"], [1.5])
    with pytest.raises(ConfigError):
        answers.learn(["unheard of"], [1.0])


def test_table_has_the_field_s_columns() -> None:
    table = ranker().recommend(users=["p0"], k=2).table
    assert table.schema == {
        "user_id": pl.String,
        "item_id": pl.String,
        "rank": pl.Int32,
        "score": pl.Float32,
        "source": pl.String,
        "propensity": pl.Float64,
        "recommendation_id": pl.String,
    }
