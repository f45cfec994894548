from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.cli.conftest import Shell
from tests.small_data import write_small_data

_NOUNS = ("台灯", "椅子", "桌子", "书架", "地毯")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop with Chinese and mixed titles, and settings that start from nothing."""
    folder = tmp_path_factory.mktemp("chinese")
    data = write_small_data(folder / "my-data")
    items = pl.read_csv(data / "items.csv").with_row_index("n")
    titles = [
        f"{'书房' if n % 2 else '花园'}{_NOUNS[n % 5]} {'Pro ' if n % 3 else ''}{n}号"
        for n in items["n"]
    ]
    items.select("item_id", pl.Series("title", titles)).write_csv(data / "items.csv")
    settings = {
        "data": {"path": "my-data"},
        "split": {"kind": "leave-one-out"},
        "model": {"name": "content"},
        "pretraining": {
            "objective": "mlm",
            "scratch": {"vocabulary": 200, "layers": 1, "dimension": 16, "heads": 2},
            "epochs": 2,
            "batch": 8,
            "learning_rate": 0.003,
        },
    }
    (folder / "foretaste.yaml").write_text(yaml.safe_dump(settings))
    return folder


def test_from_its_own_tokens_to_reasons_in_chinese(
    shell: Shell, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("FORETASTE_CACHE", str(shop / "cache"))
    config = "foretaste.yaml"
    text = shell.run("pretrain", config, "--name", "words")
    assert "held out" in text
    assert "encoders/words" in text
    on = ("--set", "pretraining.scratch=null", "--set", "content.model=encoders/words")
    tuned = shell.json(
        "pretrain",
        config,
        *on,
        *("--set", "pretraining.objective=behaviour", "--set", "pretraining.tower=sequence"),
        *("--set", "pretraining.method=lora", "--name", "taste"),
    )
    assert tuned["folder"] == "encoders/taste"
    assert 0 < tuned["trainable"] < tuned["weights"]
    assert len(tuned["held_out_loss"]) == 2
    assert "already" in shell.fails("pretrain", config, *on, "--name", "taste")
    shell.run("train", config, "--set", "content.model=encoders/taste", "--name", "first")
    best = shell.json("recommend", "runs/first", "--user", "2", "-k", "3")
    titles = [row["title"] for person in best["people"] for row in person["recommendations"]]
    assert len(titles) == 3
    assert all("号" in title for title in titles)
    wanted = best["people"][0]["recommendations"][0]["item_id"]
    reasons = shell.run("explain", "runs/first", "--user", "2", "--item", str(wanted))
    assert "号" in reasons


def test_bad_settings_are_named(shell: Shell, shop: Path) -> None:
    config = shop / "foretaste.yaml"
    line = shell.fails("pretrain", config, "--set", "pretraining.method=lora")
    assert "from scratch" in line
    line = shell.fails("pretrain", config, "--set", "pretraining.objectiv=mlm")
    assert "objective" in line
    assert "plain name" in shell.fails("pretrain", config, "--name", "../x")
