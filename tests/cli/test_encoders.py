from __future__ import annotations

import json
from pathlib import Path

import pytest

from foretaste.content import TextEncoder
from tests.cli.conftest import Shell
from tests.content.conftest import write_plain_model

MINILM = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plain_model(tmp_path_factory.mktemp("bert"))


def test_candidates_are_set_side_by_side(shell: Shell, trained: Path, plain_model: Path):
    models = f"/no/such/model,{plain_model}"
    found = shell.json("encoders", "compare", trained / "foretaste.yaml", "--models", models)
    assert found["metric"] == "NDCG@10"
    measured, failed = found["encoders"]
    assert measured["encoder"] == str(plain_model)
    assert measured["dimension"] == 16
    assert measured["cold_low"] <= measured["cold"] <= measured["cold_high"]
    assert measured["warm"] > 0
    assert measured["texts_per_second"] > 0
    assert measured["size_mib"] > 0
    assert measured["problem"] is None
    assert "there is no folder" in failed["problem"]


def test_the_catalogue_is_drawn(shell: Shell, trained: Path, plain_model: Path, tmp_path: Path):
    target = tmp_path / "map.png"
    models = f"{plain_model},{plain_model}+whiten+normalise"
    shell.run("encoders", "map", trained / "foretaste.yaml", target, "--models", models)
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_step_that_is_none_is_bad_input(shell: Shell, trained: Path):
    line = shell.fails("encoders", "compare", trained / "foretaste.yaml", "--models", "a+polish")
    assert "there is no step 'polish'" in line


def test_a_model_is_made_smaller(shell: Shell, plain_model: Path, tmp_path: Path):
    target = tmp_path / "small"
    told = shell.run("encoders", "compress", plain_model, target, "--form", "neurons:0.5")
    assert "MiB, from" in told
    assert json.loads((target / "config.json").read_text())["intermediate_size"] == 16
    assert TextEncoder(str(target), cache=None).encode_texts(["lamp"]).any()


def test_a_student_learns_from_the_texts_of_the_data(
    shell: Shell, plain_model: Path, trained: Path, tmp_path: Path
):
    given = ("encoders", "compress", plain_model, tmp_path / "new", "--form", "layers:1")
    shell.run(*given, "--config", trained / "foretaste.yaml")
    assert json.loads((tmp_path / "new" / "config.json").read_text())["num_hidden_layers"] == 1


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("zip", "there is no form 'zip'"),
        ("heads", "'' is no number"),
        ("heads:2", "below 1"),
        ("layers:1", "learns from texts"),
        ("int8:3", "there is no form"),
    ],
)
def test_forms_that_are_none(shell: Shell, plain_model: Path, tmp_path: Path, form: str, told: str):
    line = shell.fails("encoders", "compress", plain_model, tmp_path / "new", "--form", form)
    assert told in line
    assert not list(tmp_path.iterdir())
