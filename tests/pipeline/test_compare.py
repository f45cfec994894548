from __future__ import annotations

import os
import signal
from pathlib import Path

import polars as pl
import pytest

from foretaste.errors import ArtifactError, ConfigError
from foretaste.pipeline import RunConfig
from foretaste.pipeline import compare as side_by_side
from foretaste.pipeline.compare import compare_models
from tests.small_data import write_small_data

#: The real one, for a process of its own that is started in its place.
train_and_save = side_by_side._train_and_save


def config(folder: Path, **sections: object) -> RunConfig:
    path = write_small_data(folder / "my-data")
    return RunConfig.parse(
        {
            "data": {"path": str(path)},
            "split": {"kind": "leave-one-out"},
            "model": {"name": "itemknn", "neighbours": 7},
            **sections,
        }
    )


def test_models_are_set_side_by_side_and_not_trained_twice(tmp_path: Path) -> None:
    said: list[str] = []
    folder = tmp_path / "runs" / "comparison"
    wanted = ["popularity", "svdpp", "itemknn", "popularity"]
    found = compare_models(config(tmp_path), wanted, folder, said.append)
    table = found.table
    assert sorted(table["model"]) == ["itemknn", "popularity", "svdpp"]
    [failed] = table.filter(pl.col("problem").is_not_null()).to_dicts()
    assert failed["model"] == "svdpp"
    assert "ratings" in failed["problem"]
    measured = table.filter(pl.col("problem").is_null())
    assert measured[found.metric].is_sorted(descending=True)
    assert measured["p_value"].is_null().to_list() == [True, False]
    assert (measured["fit_seconds"] > 0).all()
    assert measured["peak_memory_mib"].is_between(50, 20_000).all()
    assert (measured["users_per_second"] > 0).all()
    assert (measured["low"] <= measured["high"]).all()
    assert pl.read_csv(folder / "comparison.csv")["model"].to_list() == table["model"].to_list()
    assert {path.name for path in folder.glob("[!.]*")} == {
        "accuracy.png",
        "comparison.csv",
        "cost.png",
        "itemknn",
        "popularity",
    }
    said.clear()
    again = compare_models(config(tmp_path), ["itemknn", "popularity"], folder, said.append)
    assert again.table.equals(measured.select(again.table.columns))
    assert not any(line.startswith("Training") for line in said)


def test_a_model_whose_process_was_killed_has_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "_train_and_save", kill_those_of_itemknn)
    folder = tmp_path / "runs" / "comparison"
    found = compare_models(config(tmp_path), ["itemknn", "popularity"], folder, str)
    problems = dict(found.table.select("model", "problem").iter_rows())
    assert problems["popularity"] is None
    assert "killed" in problems["itemknn"]
    assert not list(folder.glob("itemknn"))
    monkeypatch.undo()
    again = compare_models(config(tmp_path), ["itemknn", "popularity"], folder, str)
    assert again.table["problem"].is_null().all()


def kill_those_of_itemknn(wanted: RunConfig, path: Path) -> None:
    """In the place of a training that runs out of memory: the system ends its process."""
    if wanted.model.name == "itemknn":
        os.kill(os.getpid(), signal.SIGKILL)
    train_and_save(wanted, path)


def test_runs_of_another_question_are_not_compared(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "comparison"
    compare_models(config(tmp_path), ["popularity"], folder, str)
    with pytest.raises(ArtifactError, match="other data or other settings"):
        compare_models(config(tmp_path, evaluation={"ks": [5]}), ["popularity"], folder, str)


def test_an_unknown_model_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model 'nothing'"):
        compare_models(config(tmp_path), ["popularity", "nothing"], tmp_path / "runs", str)
    assert not (tmp_path / "runs").exists()
