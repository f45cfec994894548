from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.data.shop import ShopConfig
from foretaste.pipeline import demo
from tests.cli.conftest import Shell
from tests.pipeline.test_demo import QUICK, SMALL


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = demo.make_demo

    def make(folder: Path, config: ShopConfig, tell: demo.Tell) -> demo.Demo:
        return whole(folder, SMALL.model_copy(update={"seed": config.seed}), tell, training=QUICK)

    monkeypatch.setattr(demo, "make_demo", make)
    monkeypatch.chdir(tmp_path)


def test_the_demo_compares_and_recommends(shell: Shell) -> None:
    text = shell.run("demo")
    for words in ("popularity", "sequence", "NDCG@10", "events seen", "recommended"):
        assert words in text
    assert Path("foretaste-demo/foretaste.yaml").is_file()
    # A second one goes beside the first.
    document = shell.json("demo", "--seed", 1)
    assert document["run"] == "foretaste-demo-2/runs/sequence"
    assert len(document["models"]) == 5
    assert len(document["people"]) == 3
