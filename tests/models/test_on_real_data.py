"""Baselines on MovieLens-100k are as good as they were: full ranking, last action held out."""

from __future__ import annotations

import pytest

from foretaste.data import Split, read
from foretaste.evaluation import evaluate
from foretaste.models import MODELS
from tests.conftest import shared_data


@pytest.fixture(scope="module")
def split() -> Split:
    data = read(shared_data("ml-100k"), layout="recbole")
    return data.split("leave-one-out")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("popularity", 0.040, 0.050), ("itemknn", 0.095, 0.115), ("als", 0.062, 0.082)],
)
def test_ndcg(split: Split, name: str, low: float, high: float) -> None:
    report = evaluate(MODELS[name]().fit(split.train), split, resamples=100)
    assert low < report.metric("NDCG@10").value < high
