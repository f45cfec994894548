"""Errors say what, where and what to do."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from foretaste import errors
from foretaste.errors import DataError, ForetasteError, InputError


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "it is wrong."),
        ({"file": "a.csv"}, "a.csv: it is wrong."),
        ({"file": Path("a.csv"), "row": 3}, "a.csv, row 3: it is wrong."),
        ({"row": 0, "field": "price"}, "row 0, field 'price': it is wrong."),
        (
            {"file": "a.csv", "row": 3, "field": "price", "hint": "Mend it."},
            "a.csv, row 3, field 'price': it is wrong. Mend it.",
        ),
    ],
)
def test_text_names_the_place_and_the_remedy(place: dict[str, object], text: str) -> None:
    assert str(DataError("it is wrong.", **place)) == text  # type: ignore[arg-type]


def test_what_a_user_can_mend_exits_with_two() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ForetasteError)
    ]
    for kind in kinds:
        assert kind.exit_code == (2 if issubclass(kind, InputError) else 1), kind
    assert len(kinds) >= 8


@pytest.mark.parametrize(
    "error",
    [
        DataError("it is wrong.", file="a.csv", row=3, field="price", hint="Mend it."),
        errors.MissingExtraError("fastapi", "serve"),
        errors.NotFittedError("ALS"),
    ],
)
def test_an_error_survives_the_way_from_a_worker_process(error: ForetasteError) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert repr(twin) == repr(error)
        assert vars(twin) == vars(error)


def test_missing_extra_names_the_command() -> None:
    error = errors.MissingExtraError("fastapi", "serve")
    assert "pip install 'foretaste[serve]'" in str(error)
    assert "'fastapi'" in str(error)


def test_not_fitted_names_the_model() -> None:
    assert str(errors.NotFittedError("ALS")).startswith("ALS has not been fitted.")
