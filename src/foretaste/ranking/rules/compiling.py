"""From the tree of a rule to a Polars expression, with fields found and values checked."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from foretaste.data.schema import ITEM_ID, USER_ID
from foretaste.ranking.rules.language import (
    Comparison,
    Condition,
    Membership,
    Missing,
    Not,
    Operator,
    Parameter,
    RuleError,
    Several,
    fields_of,
)

Of = Literal["item", "event"]

#: What a field is also called: items have a list of categories, and a rule asks about one.
_ALIASES = {"category": "categories"}

_LARGEST = 2**63


@dataclass(frozen=True)
class Field:
    """A column that a rule asks about; in the frame it is asked of, it is called ``of.column``."""

    of: Of
    column: str
    dtype: pl.DataType

    @property
    def expression(self) -> pl.Expr:
        """The column in that frame."""
        return pl.col(f"{self.of}.{self.column}")


@dataclass(frozen=True)
class Fields:
    """What rules may ask about.

    Attributes:
        items: Columns of the items and their types.
        events: Columns of people's events; empty where there are none.
    """

    items: Mapping[str, pl.DataType]
    events: Mapping[str, pl.DataType]

    def find(self, name: str) -> Field:
        """The field of a name, plain or with ``item.`` or ``event.`` before it.

        Raises:
            RuleError: There is none, or items and events both have one.
        """
        found = [field for field in self._all() if name in self._names(field)]
        if len(found) == 1:
            return found[0]
        if found:
            raise RuleError(
                f"items and events both have a field '{name}'.",
                hint=f"Write item.{name} or event.{name}.",
            )
        known = sorted({name for field in self._all() for name in self._names(field)})
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        plain = [name for name in known if "." not in name]
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(plain)}."
        raise RuleError(f"there is no field '{name}'.", hint=hint)

    def knows(self, name: str) -> bool:
        """Whether any field has the name."""
        return any(name in self._names(field) for field in self._all())

    def of(self, condition: Condition | None) -> list[Field]:
        """The fields of a condition, each once."""
        return list({self.find(name): None for name in sorted(fields_of(condition))})

    def _all(self) -> list[Field]:
        items = [Field("item", name, dtype) for name, dtype in self.items.items()]
        # The id of an event's item is that of the item.
        events = [
            Field("event", name, dtype)
            for name, dtype in self.events.items()
            if name not in (ITEM_ID, USER_ID)
        ]
        return items + events

    def _names(self, field: Field) -> list[str]:
        names = [field.column]
        if field.of == "item":
            names += [
                alias
                for alias, column in _ALIASES.items()
                if column == field.column and alias not in self.items
            ]
        return [*names, *(f"{field.of}.{name}" for name in names)]


def compile_condition(
    condition: Condition | None, fields: Fields, parameters: Mapping[str, Any] | None
) -> pl.Expr:
    """The expression that is true where a condition holds; where a value is missing, it is null.

    Args:
        condition: Of a parsed rule; None always holds.
        fields: What it may ask about.
        parameters: Values by name; None compiles for the sake of the checks, with nulls.

    Raises:
        RuleError: A field is unknown, a value does not fit it, or a parameter is missing.
    """
    if condition is None:
        return pl.lit(True)
    if isinstance(condition, Not):
        return ~compile_condition(condition.condition, fields, parameters)
    if isinstance(condition, Several):
        parts = [compile_condition(part, fields, parameters) for part in condition.conditions]
        return pl.all_horizontal(parts) if condition.joint == "AND" else pl.any_horizontal(parts)
    return _leaf(condition, fields.find(condition.field), parameters)


def _leaf(
    condition: Comparison | Membership | Missing,
    field: Field,
    parameters: Mapping[str, Any] | None,
) -> pl.Expr:
    if isinstance(condition, Missing):
        return field.expression.is_null()
    if isinstance(condition, Comparison):
        return _comparison(field, condition, parameters)
    values = [_checked(value, field) for value in _listed(condition, parameters)]
    if isinstance(field.dtype, pl.List):
        return pl.any_horizontal(pl.lit(False), *(_contains(field, value) for value in values))
    return field.expression.is_in(values)


def _comparison(
    field: Field, condition: Comparison, parameters: Mapping[str, Any] | None
) -> pl.Expr:
    ordered = condition.operator not in ("=", "!=")
    if ordered and (isinstance(field.dtype, pl.List) or field.dtype == pl.Boolean):
        raise RuleError(
            f"'{condition.field}' holds {_named(field.dtype)}, which '{condition.operator}' "
            "can't compare.",
            hint="Ask with = or IN.",
        )
    value = _checked(_bound(condition.value, parameters), field)
    if isinstance(field.dtype, pl.List):
        found = _contains(field, value)
        return ~found if condition.operator == "!=" else found
    return _COMPARE[condition.operator](field.expression, pl.lit(value))


_COMPARE: dict[Operator, Any] = {
    "=": pl.Expr.eq,
    "!=": pl.Expr.ne,
    "<": pl.Expr.lt,
    "<=": pl.Expr.le,
    ">": pl.Expr.gt,
    ">=": pl.Expr.ge,
}


def _contains(field: Field, value: Any) -> pl.Expr:
    return pl.lit(None, pl.Boolean) if value is None else field.expression.list.contains(value)


def _bound(value: Any, parameters: Mapping[str, Any] | None) -> Any:
    if not isinstance(value, Parameter):
        return value
    if parameters is None:
        return None
    if parameters.get(value.name) is None:
        raise RuleError(
            f"the rules need a value for ${value.name}.",
            field=value.name,
            hint=f"Give it as a parameter: {value.name}=...",
        )
    return parameters[value.name]


def _listed(condition: Membership, parameters: Mapping[str, Any] | None) -> Sequence[Any]:
    if not isinstance(condition.values, Parameter):
        return [_bound(value, parameters) for value in condition.values]
    values = _bound(condition.values, parameters)
    if values is None:
        return []
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise RuleError(
            f"${condition.values.name} must be a list of values, not {values!r}.",
            field=condition.values.name,
        )
    return values


def _checked(value: Any, field: Field) -> Any:
    """The value, if it can be compared with the field; None is a parameter not yet bound."""
    dtype = field.dtype
    inner = dtype.inner if isinstance(dtype, pl.List) else dtype
    kind = _kind(inner)
    if value is None or kind is None or (isinstance(value, kind) and _of_bool(value, kind)):
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < _LARGEST):
            raise RuleError(f"{value} is no number that '{field.column}' could be.")
        return value
    raise RuleError(
        f"'{field.column}' holds {_named(dtype)}, which can't be compared with {value!r}.",
        field=field.column,
    )


def _of_bool(value: Any, kind: Any) -> bool:
    """Whether the value is a boolean exactly if one is wanted: to Python, True is a number."""
    return isinstance(value, bool) == (kind is bool)


def _kind(dtype: Any) -> Any:
    """The Python type of a column's values; None where it holds nothing at all."""
    if dtype == pl.Null:
        return None
    if dtype == pl.Boolean:
        return bool
    if dtype.is_numeric():
        return int | float
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return str
    raise RuleError(f"rules can't ask about a column of {dtype}.")


def _named(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List):
        return f"lists of {_named(dtype.inner)}"  # type: ignore[arg-type]
    return {bool: "true or false", str: "text", None: "nothing"}.get(_kind(dtype), "numbers")
