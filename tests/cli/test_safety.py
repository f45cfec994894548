from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import Shell
from tests.pipeline.test_safety import GARDEN, labels


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained / "runs" / "first", tmp_path / "run"))


def test_from_labels_to_decisions(shell: Shell, run: Path, tmp_path: Path) -> None:
    told = shell.json("safety", "train", run, "--labels", labels(tmp_path), "--block", "1.0")
    assert told["report"]["auc"] > 0.9
    assert told["waiting"] == len(GARDEN)
    asked = ("recommend", run, "--user", 41, "-k", 30)
    [person] = shell.json(*asked)["people"]
    assert not {row["item_id"] for row in person["recommendations"]} & GARDEN
    found = shell.json("search", run, "garden lamp", "-k", 20)["items"]
    assert found
    assert not {row["item_id"] for row in found} & GARDEN
    listed = shell.run("safety", "list", run)
    assert "Garden lamp no. 0" in listed
    assert "101: may be shown" in shell.run("safety", "approve", run, 101)
    assert "103, 105: will not be shown" in shell.run("safety", "reject", run, 103, 105)
    decided = shell.json("safety", "list", run, "--decided")["items"]
    assert {row["item_id"]: row["decision"] for row in decided} == {
        "101": "allow",
        "103": "block",
        "105": "block",
    }
    found = shell.json("search", run, "garden lamp", "-k", 20)["items"]
    assert {row["item_id"] for row in found} & GARDEN == {101}
    assert "not in the queue" in shell.fails("safety", "approve", run, 102)


def test_mistakes_are_one_line(shell: Shell, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    pl.DataFrame({"item_id": [101, 999], "label": [1, 0]}).write_csv(path)
    line = shell.fails("safety", "train", run, "--labels", path)
    assert f"{path}, row 3, field 'item_id'" in line
    assert "foretaste safety train" in shell.fails("safety", "list", run)
