"""The base of every configuration: strict, immutable, and helpful about mistakes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from foretaste.errors import ConfigError


class Config(BaseModel):
    """Settings of one component. Unknown keys are errors; values never change once made."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _beside_defaults(cls, values: Any) -> Any:
        """A section given in part keeps the rest of the field's default, not of its class's."""
        if not isinstance(values, Mapping):
            return values
        found = dict(cast(Mapping[str, Any], values))
        for name, field in cls.model_fields.items():
            given, default, kind = found.get(name), field.default, cast(Any, field.annotation)
            # Of several kinds of section, another kind has nothing to keep.
            one_kind = isinstance(default, Config) and type(default) is kind
            if one_kind and isinstance(given, Mapping):
                parts = cast(Mapping[str, Any], given)
                found[name] = default.model_dump(exclude_unset=True) | dict(parts)
        return found

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, file: str | Path | None = None) -> Self:
        """Builds the configuration from plain values.

        Args:
            values: Nested mapping, as read from YAML or JSON.
            file: Where the values came from, for the error.

        Raises:
            ConfigError: A key is unknown (with the nearest right name) or a value does not fit.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _first_problem(cls, error, file) from None


def _first_problem(
    root: type[BaseModel], error: ValidationError, file: str | Path | None
) -> ConfigError:
    problem = error.errors(include_url=False)[0]
    path = [str(part) for part in problem["loc"]]
    field = ".".join(path)
    if problem["type"] != "extra_forbidden":
        return ConfigError(
            f"{problem['msg']} (got {problem.get('input')!r}).", file=file, field=field
        )
    known = _keys_beside(root, path)
    near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(sorted(known))}."
    return ConfigError("there is no such setting.", file=file, field=field, hint=hint)


def _keys_beside(root: type[BaseModel], path: list[str]) -> list[str]:
    """The names that would have been right where the last part of `path` stands."""
    models = [root]
    for part in path[:-1]:
        inner = [
            candidate
            for model in models
            if part in model.model_fields
            for candidate in _models_in(model.model_fields[part].annotation)
        ]
        # A part that is no field is the tag of a discriminated union: the models stay.
        models = inner or models
    return [name for model in models for name in model.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
