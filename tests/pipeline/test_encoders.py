from __future__ import annotations

import pytest

from foretaste.errors import ConfigError
from foretaste.pipeline import RunConfig
from foretaste.pipeline.encoders import Candidate, measure_encoder
from tests.small_data import write_small_data

MINILM = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    folder = write_small_data(tmp_path_factory.mktemp("data") / "my-data")
    return RunConfig.parse({"data": {"path": str(folder)}})


def test_a_candidate_is_a_model_and_steps():
    assert Candidate.parse(f"{MINILM} + pca:8+normalise") == Candidate(
        f"{MINILM} + pca:8+normalise", MINILM, ("pca:8", "normalise")
    )
    with pytest.raises(ConfigError, match="no step"):
        Candidate.parse("model+polish")


def test_quality_and_cost_of_a_model_with_steps(config: RunConfig):
    row = measure_encoder(config, Candidate.parse(f"{MINILM}+pca:8+normalise"))
    # Garden or desk is what people go by, and it is in every title.
    assert row["cold"] > 0.3
    assert row["dimension"] == 8
    assert row["size_mib"] > 80
    assert row["peak_memory_mib"] > 50


def test_steps_that_do_not_fit_the_vectors(config: RunConfig):
    with pytest.raises(ConfigError, match="only 384 coordinates"):
        measure_encoder(config, Candidate.parse(f"{MINILM}+pca:999"))
