from __future__ import annotations

import operator
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.models import Ranking
from foretaste.ranking import Request, RuleError
from foretaste.ranking.candidates import merge
from foretaste.ranking.rules import Rules, ask_about_events
from tests.ranking.worlds import CATALOGUE, DATA, ITEMS, LOG, PEOPLE, listed, ranker

ROWS = DATA.items.to_dicts()


def allowed(text: str, **parameters: Any) -> set[int]:
    verdict = Rules([text], CATALOGUE).bind(parameters).verdict
    return set((np.flatnonzero(verdict.allowed[1:])).tolist())


def where(condition: Any) -> set[int]:
    return {n for n, row in enumerate(ROWS) if condition(row)}


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("price < 7.5", lambda r: r["price"] < 7.5),
        ("price >= 3 AND price != 4", lambda r: r["price"] >= 3 and r["price"] != 4),
        ('item_id IN ("i03", "i05")', lambda r: r["item_id"] in ("i03", "i05")),
        ('category = "c1"', lambda r: "c1" in r["categories"]),
        ('categories != "c1"', lambda r: "c1" not in r["categories"]),
        ('category IN ("c1", "d3")', lambda r: {"c1", "d3"} & set(r["categories"])),
        ('category NOT IN ("c1", "d3")', lambda r: not {"c1", "d3"} & set(r["categories"])),
        ('brand = "b1"', lambda r: r["brand"] == "b1"),
        ('brand != "b1"', lambda r: r["brand"] not in ("b1", None)),
        ("brand IS NULL", lambda r: r["brand"] is None),
        ('NOT brand IS NULL OR rating = "R"', lambda r: r["brand"] or r["rating"] == "R"),
        ('item.title > "H"', lambda r: r["title"] > "H"),
        (
            'NOT (stock = 0 OR category = "d0")',
            lambda r: r["stock"] and "d0" not in r["categories"],
        ),
    ],
)
def test_conditions_on_items(text: str, condition: Any) -> None:
    expected = where(condition)
    assert 0 < len(expected) < ITEMS
    assert allowed(f"INCLUDE item WHERE {text}") == expected


def test_exclude_keeps_what_a_missing_value_leaves_open() -> None:
    assert allowed('EXCLUDE item WHERE brand = "b1"') == where(lambda r: r["brand"] != "b1")
    assert allowed("EXCLUDE item") == set()
    assert allowed("INCLUDE item") == set(range(ITEMS))


numbers = st.integers(-1, ITEMS)
_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
leaves = st.one_of(
    st.builds(
        lambda op, n: (f"price {op} {n}", lambda r: _OPERATORS[op](r["price"], n)),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        numbers,
    ),
    st.builds(
        lambda c: (f'category = "c{c}"', lambda r: f"c{c}" in r["categories"]), st.integers(0, 3)
    ),
    st.just(("brand IS NULL", lambda r: r["brand"] is None)),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda c: (f"NOT ({c[0]})", lambda r: not c[1](r)), inner),
        st.builds(
            lambda a, b: (f"({a[0]}) AND ({b[0]})", lambda r: a[1](r) and b[1](r)), inner, inner
        ),
        st.builds(
            lambda a, b: (f"({a[0]}) OR ({b[0]})", lambda r: a[1](r) or b[1](r)), inner, inner
        ),
    ),
    max_leaves=6,
)


@given(conditions)
def test_random_conditions_mean_what_they_say(condition: tuple[str, Any]) -> None:
    text, holds = condition
    assert allowed(f"INCLUDE item WHERE {text}") == where(holds)
    assert allowed(f"EXCLUDE item WHERE {text}") == set(range(ITEMS)) - where(holds)


def test_parameters_are_values_and_never_rules() -> None:
    text = "INCLUDE item WHERE category = $category AND price <= $max"
    assert allowed(text, category="c1", max=10) == where(
        lambda r: "c1" in r["categories"] and r["price"] <= 10
    )
    assert allowed(text, category='c1" OR price >= "0', max=10) == set()
    assert allowed("INCLUDE item WHERE category IN $some", some=["c1", "c2"]) == where(
        lambda r: {"c1", "c2"} & set(r["categories"])
    )


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"max": 3}, "$category"),
        ({"category": None, "max": 3}, "$category"),
        ({"category": 3, "max": 3}, "can't be compared with 3"),
        ({"category": "c1", "max": "3"}, "can't be compared with '3'"),
        ({"category": "c1", "max": True}, "can't be compared with True"),
        ({"category": "c1", "max": float("nan")}, "no number"),
        ({"category": "c1", "max": 10**30}, "no number"),
        ({"category": ["c1"], "max": 3}, "can't be compared"),
        ({"category": "c1", "max": 3, "mxa": 3}, "Did you mean $max?"),
    ],
)
def test_a_wrong_parameter_is_named(parameters: dict[str, Any], words: str) -> None:
    answers = ranker(rules=["INCLUDE item WHERE category = $category AND price <= $max"])
    with pytest.raises(RuleError) as raised:
        answers.recommend(users=["p0"], parameters=parameters)
    assert words in str(raised.value)


def test_a_list_is_wanted_where_a_list_is_meant() -> None:
    with pytest.raises(RuleError, match="must be a list"):
        allowed("INCLUDE item WHERE category IN $some", some="c1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("INCLUDE item WHERE pirce < 3", "Did you mean 'price'?"),
        ('INCLUDE item WHERE xyzzyx = "a"', "There are: "),
        ('INCLUDE item WHERE price = "three"', "can't be compared"),
        ("INCLUDE item WHERE title = 3", "can't be compared"),
        ('INCLUDE item WHERE category < "c"', "'<'"),
        ("INCLUDE item WHERE event.price = 3", "event.price"),
    ],
)
def test_a_rule_that_does_not_fit_the_items_is_refused_at_once(text: str, words: str) -> None:
    with pytest.raises(RuleError) as raised:
        Rules([text], CATALOGUE, LOG.schema)
    assert words in str(raised.value)


def test_a_name_that_items_and_events_share_must_say_which() -> None:
    schema = {"price": pl.Float64(), "event_type": pl.String()}
    with pytest.raises(RuleError, match=r"item\.price or event\.price"):
        Rules(["INCLUDE item WHERE price < 3"], CATALOGUE, schema)
    assert Rules(["INCLUDE item WHERE event.price < 3"], CATALOGUE, schema).needs_events
    assert not Rules(["INCLUDE item WHERE item.price < 3"], CATALOGUE, schema).needs_events


def test_rules_that_ask_about_events_are_told_from_the_others() -> None:
    columns = CATALOGUE.items.schema
    assert not ask_about_events(['INCLUDE item WHERE category = "c"', "EXCLUDE item"], columns)
    assert ask_about_events(['EXCLUDE item WHERE event_type = "view"'], columns)


# Rules about events.


def test_what_was_bought_is_left_out_and_what_was_looked_at_is_not() -> None:
    answers = ranker(
        rules=['EXCLUDE item WHERE event_type IN ("purchase")'], seen={"exclude": False}
    )
    table = answers.recommend(users=["p2", "nobody", "p5"], k=ITEMS).table
    everything = set(DATA.items["item_id"])
    assert set(listed(table, "p2")) == everything - {"i02", "i03"}
    assert set(listed(table, "p5")) == everything - {"i05", "i06"}
    assert set(listed(table, "nobody")) == everything


def test_items_and_events_in_one_condition() -> None:
    rules = ['EXCLUDE item WHERE event_type = "view" AND price > 5']
    table = ranker(rules=rules, seen={"exclude": False}).recommend(users=["p2"], k=ITEMS).table
    assert set(DATA.items["item_id"]) - set(table["item_id"]) == {"i06", "i07"}


def test_only_what_the_person_looked_at() -> None:
    rules = ["INCLUDE item WHERE NOT event_type IS NULL"]
    table = ranker(rules=rules, seen={"exclude": False}).recommend(users=["p4"], k=ITEMS).table
    assert set(table["item_id"]) == {f"i{n:02}" for n in range(4, 10)}


def test_rules_about_events_need_events() -> None:
    rules = Rules(['EXCLUDE item WHERE event_type = "view"'], CATALOGUE, LOG.schema).bind({})
    everything = np.arange(1, ITEMS + 1, dtype=np.int32)[None]
    lists = merge([("all", Ranking(everything, np.ones(everything.shape, np.float32)))], 1)
    with pytest.raises(RuleError, match="event log"):
        rules(lists, Request.of(Ragged.from_rows([[1]]), 3))


# Seen items.


@pytest.mark.parametrize(
    ("seen", "left_out"),
    [
        ({}, range(3, 9)),
        ({"exclude": False}, []),
        ({"last": 2}, [7, 8]),
        ({"days": 1.5}, [7, 8]),
        ({"days": 3.5}, [5, 6, 7, 8]),
        ({"days": 3.5, "last": 3}, [6, 7, 8]),
        ({"days": 0.5, "last": 3}, [8]),
    ],
)
def test_seen_items_are_left_out_within_the_window(seen: dict, left_out: list[int]) -> None:
    table = ranker(seen=seen).recommend(users=["p3"], k=ITEMS, now=1_700_000_000_000).table
    missing = set(DATA.items["item_id"]) - set(table["item_id"])
    assert missing == {f"i{n:02}" for n in left_out}


def test_a_visitor_s_whole_history_is_recent() -> None:
    answers = ranker(seen={"days": 1})
    table = answers.recommend(histories=[["i01", "i09"]], k=ITEMS).table
    assert set(DATA.items["item_id"]) - set(table["item_id"]) == {"i01", "i09"}


def test_availability() -> None:
    table = ranker(availability="stock").recommend(users=["nobody"], k=ITEMS).table
    assert set(table["item_id"]) == {row["item_id"] for row in ROWS if row["stock"] > 0}


def test_events_of_a_batch_are_each_person_s_own() -> None:
    users = pl.Series(["p7", "nobody", "p0"])
    events = LOG.of(users, DATA.item_vocabulary)
    assert events["row"].unique().sort().to_list() == [0, 2]
    assert events.filter(pl.col("row") == 0)["user_id"].unique().to_list() == ["p7"]
    assert events["code"].to_list() == DATA.item_vocabulary.encode(events["item_id"]).tolist()
    assert len(events) == 2 * len(DATA) // PEOPLE
