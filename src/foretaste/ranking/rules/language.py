"""The filter language: what a rule may say, and the tree it becomes.

    EXCLUDE item WHERE event_type IN ("purchase")
    INCLUDE item WHERE category = $category AND price <= $max AND NOT brand IS NULL

A field is a column of the items or of the person's events, `item.name` and `event.name` where both
have it. Words of the language may be written
in small letters, and text in single or double quotes. ``$name`` is a parameter: its value comes
with the request and is never read as a part of the rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from foretaste.errors import InputError

Verb = Literal["INCLUDE", "EXCLUDE"]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Value = str | int | float | bool

#: Rules are written by people: longer or deeper ones are mistakes, or attacks.
LONGEST, DEEPEST = 4_000, 32


@dataclass(frozen=True)
class Parameter:
    """``$name``, bound when a request comes."""

    name: str


@dataclass(frozen=True)
class Comparison:
    """``field operator value``."""

    field: str
    operator: Operator
    value: Value | Parameter


@dataclass(frozen=True)
class Membership:
    """``field IN (values)``; one parameter alone stands for a list of values."""

    field: str
    values: tuple[Value | Parameter, ...] | Parameter


@dataclass(frozen=True)
class Missing:
    """``field IS NULL``."""

    field: str


@dataclass(frozen=True)
class Not:
    """``NOT condition``."""

    condition: Condition
    depth: int


@dataclass(frozen=True)
class Several:
    """Conditions joined by AND or by OR."""

    joint: Literal["AND", "OR"]
    conditions: tuple[Condition, ...]
    depth: int


Condition = Comparison | Membership | Missing | Not | Several


@dataclass(frozen=True)
class Rule:
    """A parsed rule.

    Attributes:
        text: As it was written.
        verb: INCLUDE keeps what the condition holds for, EXCLUDE what it does not hold for.
        condition: None holds for everything.
    """

    text: str
    verb: Verb
    condition: Condition | None


class RuleError(InputError):
    """A rule that is not of the language, or does not fit the data."""


def parse_rule(text: str) -> Rule:
    """Parses a rule.

    Raises:
        RuleError: It is not of the language; says where and what was expected there.
    """
    if len(text) > LONGEST:
        raise RuleError(f"a rule may have at most {LONGEST:,} characters, not {len(text):,}.")
    try:
        tree: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    except VisitError as error:
        raise error.orig_exc from None
    verb, condition = tree
    return Rule(text.strip(), verb, condition)


def fields_of(condition: Condition | None) -> set[str]:
    """Names of the fields that a condition asks about."""
    if condition is None:
        return set()
    if isinstance(condition, Not):
        return fields_of(condition.condition)
    if isinstance(condition, Several):
        return set[str]().union(*(fields_of(part) for part in condition.conditions))
    return {condition.field}


def parameters_of(condition: Condition | None) -> set[str]:
    """Names of the parameters that a condition needs."""
    if isinstance(condition, Not):
        return parameters_of(condition.condition)
    if isinstance(condition, Several):
        return set[str]().union(*(parameters_of(part) for part in condition.conditions))
    if isinstance(condition, Comparison):
        return _names([condition.value])
    if isinstance(condition, Membership):
        values = condition.values
        return _names([values] if isinstance(values, Parameter) else values)
    return set()


def _names(values: Any) -> set[str]:
    return {value.name for value in values if isinstance(value, Parameter)}


@cache
def _parser() -> Lark:
    grammar = resources.files("foretaste.ranking.rules").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, start="rule", parser="lalr", transformer=_ToTree())


def _depth(condition: Condition) -> int:
    return condition.depth if isinstance(condition, Not | Several) else 1


def _deeper(*conditions: Condition) -> int:
    depth = 1 + max(_depth(condition) for condition in conditions)
    if depth > DEEPEST:
        raise RuleError(f"conditions may be nested at most {DEEPEST} deep.")
    return depth


@v_args(inline=True)
class _ToTree(Transformer[Token, Any]):
    """Builds the tree while parsing."""

    def rule(self, verb: Token, _item: Token, condition: Condition | None) -> Any:
        return str(verb).upper(), condition

    def either(self, *parts: Condition) -> Condition:
        return parts[0] if len(parts) == 1 else Several("OR", parts, _deeper(*parts))

    def both(self, *parts: Condition) -> Condition:
        return parts[0] if len(parts) == 1 else Several("AND", parts, _deeper(*parts))

    def negated(self, _not: Token, condition: Condition) -> Condition:
        return (
            condition.condition
            if isinstance(condition, Not)
            else Not(condition, _deeper(condition))
        )

    def comparison(self, field: str, operator: Token, value: Any) -> Condition:
        return Comparison(field, _OPERATORS[str(operator)], value)

    def membership(self, field: str, negation: Token | None, values: Any) -> Condition:
        found = Membership(field, values)
        return found if negation is None else Not(found, 2)

    def missing(self, field: str, negation: Token | None) -> Condition:
        found = Missing(field)
        return found if negation is None else Not(found, 2)

    def values(self, *values: Any) -> Any:
        return values

    def field(self, name: Token) -> str:
        return str(name)

    def parameter(self, name: Token) -> Parameter:
        return Parameter(str(name)[1:])

    def text(self, quoted: Token) -> str:
        return re.sub(r"\\(.)", r"\1", str(quoted)[1:-1], flags=re.DOTALL)

    def whole(self, number: Token) -> int:
        return int(number)

    def decimal(self, number: Token) -> float:
        return float(number)

    def true(self, _word: Token) -> bool:
        return True

    def false(self, _word: Token) -> bool:
        return False


_OPERATORS: dict[str, Operator] = {
    "=": "=",
    "==": "=",
    "!=": "!=",
    "<>": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}

#: Terminals of the grammar in words; the others are called by what they match.
_IN_WORDS = {
    "VERB": "INCLUDE or EXCLUDE",
    "ITEM": "'item'",
    "$END": "the end of the rule",
    "NAME": "a field",
    "OPERATOR": "an operator (=, !=, <, <=, >, >=)",
    "PARAMETER": "a $parameter",
    "QUOTED": "a text in quotes",
    "WHOLE": "a number",
    "DECIMAL": "a number",
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
}


def _syntax_error(text: str, error: UnexpectedInput) -> RuleError:
    if isinstance(error, UnexpectedToken):
        expected, ended = set(error.accepts or error.expected), error.token.type == "$END"
    else:
        expected = set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()
        ended = False
    words = sorted({_IN_WORDS.get(name, name.lstrip("_")) for name in expected})
    place = len(text) if ended else (error.pos_in_stream or 0)
    # A word, or a space of a kind that no rule has (U+00A0), which is shown by its number.
    stands = text[place : place + 12].split(maxsplit=1) or [ascii(text[place : place + 1])[1:-1]]
    found = "the rule ends" if ended else f"'{stands[0]}' stands"
    return RuleError(
        f"'{text}' is no rule: {found} at character {place + 1}, where "
        f"{' or '.join(words)} is expected."
    )
