"""Rules at work: what they let through, of the whole catalogue and for each person."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.catalogue import Catalogue
from foretaste.ranking.rules.compiling import Field, Fields, compile_condition
from foretaste.ranking.rules.language import (
    Rule,
    RuleError,
    fields_of,
    parameters_of,
    parse_rule,
)
from foretaste.ranking.stage import CODE, ROW, Outcome, Request, Verdict, drop

_PAIR = "pair"


class Rules:
    """Parsed rules, checked against the columns there are.

    An item passes when the condition of every INCLUDE holds for it and that of no EXCLUDE does. A
    condition on a missing value does not hold. One that asks about events is asked of each event
    the person has on the item, or of an event of nulls where they have none, and holds where it
    holds for any.

    Args:
        texts: The rules.
        catalogue: The items.
        events: Columns of people's events and their types; empty where there are none.

    Raises:
        RuleError: A rule is not of the language, asks about an unknown field, or compares what
            can't be compared.
    """

    def __init__(
        self,
        texts: Sequence[str],
        catalogue: Catalogue,
        events: Mapping[str, pl.DataType] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._fields = Fields(catalogue.items.schema, events or {})
        self._rules = [parse_rule(text) for text in texts]
        for rule in self._rules:
            compile_condition(rule.condition, self._fields, None)

    @property
    def needs_events(self) -> bool:
        """Whether any rule asks about events."""
        return any(self._of_events(rule) for rule in self._rules)

    @property
    def parameters(self) -> set[str]:
        """Names of the parameters the rules need."""
        return set[str]().union(*(parameters_of(rule.condition) for rule in self._rules))

    def bind(self, parameters: Mapping[str, Any]) -> BoundRules:
        """The rules with the values of a request.

        Raises:
            RuleError: A value is missing or of the wrong type.
        """
        items = [rule for rule in self._rules if not self._of_events(rule)]
        events = [rule for rule in self._rules if self._of_events(rule)]
        verdict = Verdict.all_clear(self._catalogue.size)
        for rule in items:
            verdict = verdict.also(self._banned(rule, parameters), rule.text)
        bound = tuple(
            _PersonRule(
                rule,
                tuple(self._fields.of(rule.condition)),
                compile_condition(rule.condition, self._fields, parameters),
            )
            for rule in events
        )
        return BoundRules(self._catalogue, verdict, bound)

    def _of_events(self, rule: Rule) -> bool:
        return any(field.of == "event" for field in self._fields.of(rule.condition))

    def _banned(self, rule: Rule, parameters: Mapping[str, Any]) -> NDArray[np.bool_]:
        """bool[items + 1], what a rule about items alone does not let through."""
        condition = compile_condition(rule.condition, self._fields, parameters)
        frame = _columns(self._catalogue.items, self._fields.of(rule.condition), "item")
        # A condition without fields has but one value.
        holds = frame.select(condition.fill_null(False).alias(_PAIR))[_PAIR].to_numpy()
        banned = holds if rule.verb == "EXCLUDE" else ~holds
        return np.concatenate([[False], np.broadcast_to(banned, len(self._catalogue.items))])


@dataclass(frozen=True)
class _PersonRule:
    """A rule that asks about events, with its expression."""

    rule: Rule
    fields: tuple[Field, ...]
    holds: pl.Expr


@dataclass(frozen=True)
class BoundRules:
    """The stage that applies rules.

    Attributes:
        catalogue: The items.
        verdict: What the rules about items alone let through.
        person_rules: Those that ask about events.
    """

    catalogue: Catalogue
    verdict: Verdict
    person_rules: tuple[_PersonRule, ...] = ()
    name: str = "rules"

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Drops what a rule does not let through; the first rule that objects is the reason."""
        reasons = self.verdict.reasons[lists.items.values]
        labels = list(self.verdict.labels)
        for person_rule in self.person_rules:
            banned = self._banned(person_rule, lists, request)
            labels.append(person_rule.rule.text)
            reasons = np.where((reasons == 0) & banned, len(labels), reasons)
        return drop(lists, reasons, labels)

    def _banned(
        self, person_rule: _PersonRule, lists: CandidateLists, request: Request
    ) -> NDArray[np.bool_]:
        """bool[total], the candidates that a rule about events does not let through."""
        if request.events is None:
            raise RuleError(
                f"the rule '{person_rule.rule.text}' asks about events, and there are none.",
                hint="Give the pipeline an event log.",
            )
        pairs = pl.DataFrame({ROW: lists.rows, CODE: lists.items.values.astype(np.int64)})
        events = request.events.select(ROW, CODE).hstack(
            _columns(request.events, person_rule.fields, "event")
        )
        asked = pairs.with_row_index(_PAIR).join(events, on=[ROW, CODE], how="left")
        items = self.catalogue.items[(asked[CODE] - 1).to_numpy()]
        asked = asked.hstack(_columns(items, person_rule.fields, "item"))
        holding = asked.filter(person_rule.holds)[_PAIR].to_numpy()
        holds = np.zeros(len(pairs), bool)
        holds[holding] = True
        return holds if person_rule.rule.verb == "EXCLUDE" else ~holds


def ask_about_events(texts: Sequence[str], items: Mapping[str, pl.DataType]) -> bool:
    """Whether any of the rules has a field that the items, by their columns, do not.

    Raises:
        RuleError: A rule is not of the language.
    """
    fields = Fields(items, {})
    names = set[str]().union(*(fields_of(parse_rule(text).condition) for text in texts))
    return not all(fields.knows(name) for name in names)


def check_parameters(given: Mapping[str, Any], known: set[str]) -> None:
    """Refuses parameters that no rule has, which would otherwise be misspelt in silence.

    Raises:
        RuleError: There is one.
    """
    for name in sorted(set(given) - known):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        names = ", ".join(f"${other}" for other in sorted(known)) or "none"
        hint = f"Did you mean ${near[0]}?" if near else f"They have: {names}."
        raise RuleError(f"no rule has a parameter ${name}.", field=name, hint=hint)


def _columns(frame: pl.DataFrame, fields: Sequence[Field], of: str) -> pl.DataFrame:
    """The columns that are asked about, under the names they have in expressions."""
    wanted = [field.column for field in fields if field.of == of]
    return frame.select(pl.col(column).alias(f"{of}.{column}") for column in wanted)
