from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.ranking.rules.language import (
    LONGEST,
    Comparison,
    Membership,
    Missing,
    Not,
    Parameter,
    RuleError,
    Several,
    fields_of,
    parameters_of,
    parse_rule,
)


def test_the_two_rules_of_the_manual() -> None:
    bought = parse_rule('EXCLUDE item WHERE event_type IN ("purchase")')
    assert bought.verb == "EXCLUDE"
    assert bought.condition == Membership("event_type", ("purchase",))
    wanted = parse_rule("INCLUDE item WHERE category = $category AND price <= $max")
    assert wanted.condition == Several(
        "AND",
        (
            Comparison("category", "=", Parameter("category")),
            Comparison("price", "<=", Parameter("max")),
        ),
        2,
    )
    assert fields_of(wanted.condition) == {"category", "price"}
    assert parameters_of(wanted.condition) == {"category", "max"}


def test_and_binds_closer_than_or_and_not_closest() -> None:
    rule = parse_rule("include item where NOT a = 1 and b = 2 OR c is not null")
    [left, right] = rule.condition.conditions
    assert rule.condition.joint == "OR"
    assert left.joint == "AND"
    assert left.conditions == (Not(Comparison("a", "=", 1), 2), Comparison("b", "=", 2))
    assert right == Not(Missing("c"), 2)


def test_parentheses_and_double_negation_leave_no_trace() -> None:
    plain = parse_rule("INCLUDE item WHERE a = 1").condition
    assert parse_rule("INCLUDE item WHERE ((NOT (NOT (a == 1))))").condition == plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-2.5", -2.5),
        ("1e3", 1000.0),
        ("TRUE", True),
        ("false", False),
        ('"it\'s \\"quoted\\" \\\\"', 'it\'s "quoted" \\'),
        ("'价格 OR 1=1'", "价格 OR 1=1"),
    ],
)
def test_values(text: str, value: object) -> None:
    found = parse_rule(f"INCLUDE item WHERE f = {text}").condition
    assert found == Comparison("f", "=", value)
    assert type(found.value) is type(value)


def test_a_field_may_begin_like_a_word_of_the_language() -> None:
    names = ["note", "inside", "orders", "android", "item_id", "isbn", "nullable", "价格"]
    rule = parse_rule("INCLUDE item WHERE " + " AND ".join(f"{name} = 1" for name in names))
    assert fields_of(rule.condition) == set(names)


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("EXCLUDE itm WHERE a = 1", 9, "'item'"),
        ("DROP item", 1, "INCLUDE"),
        ("", 1, "INCLUDE"),
        ("INCLUDE item WHERE", 19, "a field"),
        ("INCLUDE item WHERE price <", 27, "a number"),
        ("INCLUDE item WHERE price # 3", 26, "an operator"),
        ("INCLUDE item WHERE a = 1 b", 26, "the end of the rule"),
        ("INCLUDE item WHERE a IN 3", 25, "a $parameter"),
        ("INCLUDE item WHERE a IN ()", 26, "a text in quotes"),
        ('INCLUDE item WHERE a = "open', 24, "a text in quotes"),
        ("INCLUDE item WHERE (a = 1", 26, "')'"),
    ],
)
def test_a_syntax_error_says_where_and_what_was_expected(
    text: str, place: int, expected: str
) -> None:
    with pytest.raises(RuleError) as raised:
        parse_rule(text)
    assert f"at character {place}," in str(raised.value)
    assert expected in str(raised.value)


def test_long_and_deep_rules_are_refused() -> None:
    with pytest.raises(RuleError, match="characters"):
        parse_rule("INCLUDE item WHERE a = 1" + " OR a = 1" * LONGEST)
    deep = "a = 1"
    for joint in ["AND", "OR"] * 20:
        deep = f"(b = 2 {joint} {deep})"
    with pytest.raises(RuleError, match="nested"):
        parse_rule(f"INCLUDE item WHERE {deep}")
    assert parse_rule("INCLUDE item WHERE " + "(" * 1500 + "a = 1" + ")" * 1500).condition


words = st.sampled_from(
    ["INCLUDE", "EXCLUDE", "item", "WHERE", "AND", "NOT", "IN", "(", ")", ",", "=", "<", "a", "$b"]
)
odd = st.sampled_from(['"x"', "3", "IS", "NULL", "'", "\\", "$", "\x00", "é"])


def test_a_space_of_another_kind_is_shown_by_its_number() -> None:
    with pytest.raises(RuleError, match=r"'\\xa0' stands at character 1,"):
        parse_rule("\xa0")


@given(st.one_of(st.text(), st.lists(words | odd, max_size=12).map(" ".join)))
def test_any_text_is_a_rule_or_an_error_of_ours(text: str) -> None:
    with suppress(RuleError):
        assert parse_rule(text).verb in ("INCLUDE", "EXCLUDE")
