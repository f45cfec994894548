from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from foretaste.cli import app
from tests.cli.conftest import Shell
from tests.models.interest import worlds


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my-data/, interest.yaml and runs/first/; read only."""
    folder = tmp_path_factory.mktemp("interest")
    (folder / "my-data").mkdir()
    table, _ = worlds.pairs()
    times = table["timestamp"] + 1_700_000_000_000
    table.with_columns(times).write_csv(folder / "my-data" / "events.csv")
    worlds.catalogue().write_csv(folder / "my-data" / "items.csv")
    settings = {
        "task": "interest",
        "data": {"path": "my-data"},
        "model": {"body": {"trees": 40}},
    }
    (folder / "interest.yaml").write_text(yaml.safe_dump(settings))
    found = Shell().json(
        "train", folder / "interest.yaml", "--name", "first", "--runs", folder / "runs"
    )
    assert found["report"]["histories"]["streaming"]["auc"] > 0.6
    return folder


def pairs_of(folder: Path, n: int) -> Path:
    table = worlds.pairs(n, seed=5)[0].drop("label", "timestamp")
    table.write_csv(folder / "pairs.csv")
    return folder / "pairs.csv"


def test_the_pairs_come_back_with_probabilities(shell: Shell, folder: Path, tmp_path: Path) -> None:
    file = pairs_of(tmp_path, 30)
    text = shell.run("predict", folder / "runs" / "first", "--pairs", file)
    found = pl.read_csv(text.encode())
    assert found.columns == ["user_id", "item_id", "device", "probability"]
    assert len(found) == 30
    assert found["probability"].is_between(0, 1).all()
    # The same from standard input.
    run = str(folder / "runs" / "first")
    piped = CliRunner().invoke(app, ["predict", run, "--pairs", "-"], input=file.read_text())
    assert piped.stdout == text


def test_blocks_give_what_the_whole_gives(
    shell: Shell, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, run = pairs_of(tmp_path, 50), folder / "runs" / "first"
    whole = tmp_path / "whole.parquet"
    shell.run("predict", run, "--pairs", file, "-o", whole)
    monkeypatch.setattr("foretaste.pipeline.interest._BLOCK", 7)
    parts = tmp_path / "parts.parquet"
    shell.run("predict", run, "--pairs", file, "-o", parts)
    assert pl.read_parquet(parts).equals(pl.read_parquet(whole))
    # Parquet in, CSV out.
    shell.run("predict", run, "--pairs", whole, "-o", tmp_path / "again.csv")
    assert len(pl.read_csv(tmp_path / "again.csv")) == 50


def test_bad_input_is_named_and_leaves_nothing(shell: Shell, folder: Path, tmp_path: Path) -> None:
    run = folder / "runs" / "first"
    assert "no such file" in shell.fails("predict", run, "--pairs", tmp_path / "none.csv")
    bad = tmp_path / "bad.csv"
    bad.write_text("user_id,item_id,timestamp\n1,2,1700000000000\n1,2,soon\n")
    output = tmp_path / "answers.csv"
    line = shell.fails("predict", run, "--pairs", bad, "-o", output)
    assert "row 3" in line
    assert "timestamp" in line
    bad.write_text("user_id,when\n1,2\n")
    assert "item_id" in shell.fails("predict", run, "--pairs", bad, "-o", output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv"]


def test_settings_of_the_task_are_checked(shell: Shell, folder: Path) -> None:
    line = shell.fails("train", folder / "interest.yaml", "--set", "model.bodys=[lr]")
    assert "model.bodys" in line
    assert "Did you mean" in line


def test_runs_of_both_tasks_are_listed(shell: Shell, folder: Path) -> None:
    [run] = shell.json("runs", folder / "runs")["runs"]
    assert run["model"] == "interest"
    assert 0 < run["metrics"]["auc"] < 1
