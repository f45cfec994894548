from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from foretaste.data.shop import ShopConfig, generate
from tests.cli.conftest import Shell
from tests.models.interest import worlds


def write(folder: Path, table: pl.DataFrame, model: dict[str, Any]) -> Path:
    """Writes my-data/ and interest.yaml; gives the path of the latter."""
    (folder / "my-data").mkdir(parents=True)
    times = table["timestamp"] + 1_700_000_000_000
    table.with_columns(times).write_csv(folder / "my-data" / "events.csv")
    worlds.catalogue().write_csv(folder / "my-data" / "items.csv")
    settings = {"task": "interest", "data": {"path": "my-data"}, "model": model}
    (folder / "interest.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return folder / "interest.yaml"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with interest.yaml of one question, and runs/first/; read only."""
    folder = tmp_path_factory.mktemp("one")
    config = write(folder, worlds.pairs(1200)[0], {"body": {"trees": 30}})
    Shell().run("train", config, "--name", "first", "--runs", folder / "runs")
    return folder


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with interest.yaml of several goals, and runs/first/; read only."""
    folder = tmp_path_factory.mktemp("several")
    body = {"training": worlds.QUICK | {"epochs": 2}, "dimension": 4, "layers": [8], "experts": 2}
    model = {"bodies": ["mlp"], "body": body, "question": {"goals": worlds.GOALS}, "refit": False}
    config = write(folder, worlds.goals_table(1000), model)
    Shell().run("train", config, "--name", "first", "--runs", folder / "runs")
    return folder


def test_several_goals_are_trained_predicted_and_listed(
    shell: Shell, several: Path, tmp_path: Path
) -> None:
    run = several / "runs" / "first"
    drawn = {path.name for path in (run / "plots").iterdir()}
    assert {"roc-click.png", "reliability-buy.png"} <= drawn
    assert "roc-stars.png" not in drawn
    pairs = worlds.pairs(20, seed=5)[0].drop("label", "timestamp")
    pairs.write_csv(tmp_path / "pairs.csv")
    found = pl.read_csv(shell.run("predict", run, "--pairs", tmp_path / "pairs.csv").encode())
    assert found.columns == ["user_id", "item_id", "device", "click", "buy", "stars"]
    assert (found["buy"] <= found["click"]).all()
    assert found["stars"].is_between(1, 5).all()
    [listed] = shell.json("runs", several / "runs")["runs"]
    assert "click: auc" in listed["metrics"]
    assert "click: auc" in " ".join(shell.run("runs", several / "runs").split())


@pytest.mark.parametrize("world", ["one", "several"])
def test_evaluate_gives_the_figures_of_training(
    shell: Shell, world: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(world)
    run = folder / "runs" / "first"
    [saved] = shell.json("runs", folder / "runs")["runs"]
    report = shell.json("evaluate", run)
    assert report["histories"]["streaming"] == saved["metrics"]
    assert report["fingerprint"] == saved["split"]
    text = shell.run("evaluate", run)
    assert ("stars, known: streaming" in text) == (world == "several")
    moved = shutil.copytree(folder / "my-data", tmp_path / "moved")
    lines = (moved / "events.csv").read_text().splitlines()
    (moved / "events.csv").write_text("\n".join(lines[:-5]))
    assert "changed" in shell.fails("evaluate", run, "--data", moved)


def test_bodies_are_set_side_by_side(shell: Shell, one: Path, tmp_path: Path) -> None:
    arguments = ("compare", one / "interest.yaml", "--runs", tmp_path, "--models", "lr,trees")
    arguments += ("--set", "model.body.training.epochs=1")
    found = shell.json(*arguments)
    best, other = found["models"]
    assert {best["model"], other["model"]} == {"lr", "trees"}
    assert best["value"] >= other["value"]
    assert best["value"] > 0.6
    assert best["behind"] is None
    assert other["behind_low"] <= other["behind"] <= other["behind_high"]
    assert other["behind"] == pytest.approx(best["value"] - other["value"])
    # Nothing is trained twice.
    assert "behind the best" in shell.run(*arguments)
    assert "Training" not in shell.stderr
    folder = tmp_path / "comparison"
    assert pl.read_csv(folder / "comparison.csv")["model"].to_list() == [
        best["model"],
        other["model"],
    ]
    runs = ("compare", folder / other["model"], "--with", folder / best["model"])
    difference = shell.json(*runs)["differences"][-2]
    assert (difference["history"], difference["figure"]) == ("streaming", "auc")
    assert difference["difference"]["low"] == other["behind_low"]
    assert "->" in shell.run(*runs)


def test_what_can_t_be_compared_is_said(
    shell: Shell, one: Path, several: Path, trained: Path
) -> None:
    first = one / "runs" / "first"
    assert "different pairs" in shell.fails("compare", first, "--with", several / "runs" / "first")
    line = shell.fails("compare", trained / "runs" / "first", "--with", first)
    assert "can't be compared" in line
    assert "--with" in shell.fails("compare", first)
    asked = ("compare", several / "interest.yaml", "--models", "mlp,trees", "--runs", several)
    line = shell.fails(*asked)
    assert "several goals" in line
    assert "fused" in line
    assert "no body 'treees'" in shell.fails(
        "compare", one / "interest.yaml", "--models", "treees", "--runs", one / "other"
    )
    same = shell.json("compare", trained / "runs" / "first", "--with", trained / "runs" / "first")
    assert same["differences"][0]["difference"]["value"] == 0


def test_init_writes_what_check_and_train_take(shell: Shell, one: Path, tmp_path: Path) -> None:
    config = tmp_path / "interest.yaml"
    shell.run("init", one / "my-data", "-o", config, "--task", "interest")
    assert yaml.safe_load(config.read_text())["model"]["question"] == {"column": "label"}
    shell.run("check", config)
    quick = ("--set", "model.body.trees=5", "--set", "model.content=null")
    shell.run("train", config, *quick, "--runs", tmp_path / "runs")
    shop = generate(ShopConfig(items=200, people=60)).write(tmp_path / "shop", images=False)
    shell.run("init", shop, "-o", tmp_path / "shop.yaml", "--task", "interest")
    text = (tmp_path / "shop.yaml").read_text()
    question = yaml.safe_load(text)["model"]["question"]
    assert question == {"shown": "view", "acted": "cart"}
    shell.run("check", tmp_path / "shop.yaml")
    # What stands there for several goals can be taken as it is.
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.endswith("# question:"))
    block = "\n".join(line.replace("  # ", "", 1) for line in lines[start : start + 5])
    goals = yaml.safe_load(block)["question"]["goals"]
    assert goals == {"cart": {"acted": "cart"}, "purchase": {"acted": "purchase"}}
    (tmp_path / "clicks").mkdir()
    clicks = worlds.pairs(50)[0].drop("label")
    clicks.write_csv(tmp_path / "clicks" / "events.csv")
    arguments = ("init", tmp_path / "clicks", "-o", tmp_path / "no.yaml", "--task", "interest")
    assert "did not act on" in shell.fails(*arguments)
