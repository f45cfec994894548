"""Configurations are strict, and say which name was meant."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from foretaste.config import Config
from foretaste.errors import ConfigError


class Rate(Config):
    start: float = Field(0.1, gt=0)
    schedule: str = "constant"


class Small(Config):
    kind: Literal["small"] = "small"
    width: int = 8


class Large(Config):
    kind: Literal["large"] = "large"
    layers: int = 2


class Run(Config):
    epochs: int = 10
    rate: Rate = Rate()
    slow_rate: Rate = Rate(start=0.01, schedule="cosine")
    second_rate: Rate | None = None
    rates: dict[str, Rate] = Field(default_factory=dict)
    network: Annotated[Small | Large, Field(discriminator="kind")] = Small()


def problem(values: dict[str, object]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Run.parse(values, file="run.yaml")
    return caught.value


def test_values_are_taken_and_defaults_filled_in() -> None:
    run = Run.parse({"epochs": 3, "rate": {"start": 1}, "network": {"kind": "large"}})
    assert run == Run(epochs=3, rate=Rate(start=1.0), network=Large())
    assert Run.parse(run.model_dump(mode="json")) == run


def test_a_section_given_in_part_keeps_the_rest_of_its_own_default() -> None:
    run = Run.parse({"rate": {"start": 1}, "slow_rate": {"start": 1}})
    assert run.rate == Rate(start=1, schedule="constant")
    assert run.slow_rate == Rate(start=1, schedule="cosine")
    assert Run(slow_rate=Rate(start=1)).slow_rate.schedule == "constant"


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        Run().epochs = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "field", "hint"),
    [
        ({"epoch": 3}, "epoch", "Did you mean 'epochs'?"),
        ({"rate": {"strat": 1.0}}, "rate.strat", "Did you mean 'start'?"),
        ({"second_rate": {"shedule": "x"}}, "second_rate.shedule", "Did you mean 'schedule'?"),
        ({"rates": {"a": {"strat": 1.0}}}, "rates.a.strat", "Did you mean 'start'?"),
        (
            {"network": {"kind": "large", "layer": 1}},
            "network.large.layer",
            "Did you mean 'layers'?",
        ),
        ({"rate": {"zzz": 1}}, "rate.zzz", "Known here: schedule, start."),
    ],
)
def test_an_unknown_key_gets_the_nearest_right_name(
    values: dict[str, object], field: str, hint: str
) -> None:
    error = problem(values)
    assert (error.file, error.field, error.hint) == ("run.yaml", field, hint)
    assert "no such setting" in error.message


@pytest.mark.parametrize(
    ("values", "field", "word"),
    [
        ({"epochs": "many"}, "epochs", "'many'"),
        ({"rate": {"start": 0}}, "rate.start", "greater than 0"),
        ({"rate": 3}, "rate", "got 3"),
        ({"network": {"kind": "huge"}}, "network", "huge"),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, object], field: str, word: str) -> None:
    error = problem(values)
    assert error.field == field
    assert word in str(error)
    assert "\n" not in str(error)
