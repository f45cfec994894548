from __future__ import annotations

import subprocess
import sys

import pytest

from foretaste import models
from foretaste.models import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_models_have_the_name_they_are_listed_under(name: str) -> None:
    assert MODELS[name].name == name


def test_unknown_names() -> None:
    assert "svd" not in MODELS
    with pytest.raises(KeyError):
        MODELS["svd"]
    with pytest.raises(AttributeError, match="SVD"):
        _ = models.SVD


def test_everything_exported_is_there() -> None:
    assert all(hasattr(models, name) for name in models.__all__)
    assert dir(models) == sorted(models.__all__)


def test_listing_models_loads_none_of_them() -> None:
    code = "import sys; from foretaste.models import MODELS; list(MODELS); 'als' in MODELS; "
    code += "print(sorted({'torch', 'implicit', 'transformers', 'polars'} & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
