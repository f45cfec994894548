from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from foretaste.errors import ArtifactError, ConfigError, InputError
from foretaste.pipeline import load_config, prepare, train
from tests.small_data import write_small_data

MODEL = {"name": "sequence", "dimension": 8, "layers": 1}


def settings(folder: Path, **model: object) -> Path:
    path = folder / "foretaste.yaml"
    sections = {
        "data": {"path": "my-data"},
        "split": {"kind": "leave-one-out"},
        "model": MODEL | model,
        "training": {"epochs": 1, "learning_rate": 1e-12, "average": 0.0},
    }
    path.write_text(yaml.safe_dump(sections), "utf-8")
    return path


def test_a_second_run_starts_from_the_first(tmp_path: Path) -> None:
    write_small_data(tmp_path / "my-data")
    config = load_config(settings(tmp_path), ["training.epochs=3", "training.learning_rate=0.02"])
    prepared = prepare(config, str)
    first = train(config, prepared, str)
    first.save(tmp_path / "runs" / "first")
    again = load_config(settings(tmp_path, start="runs/first"))
    assert again.plain()["model"]["start"] == str(tmp_path / "runs" / "first")
    second = train(again, prepared, str)
    ranked = [run.model.recommend(users=[1, 2], k=5)["item_id"] for run in (first, second)]
    assert ranked[0].equals(ranked[1])
    second.save(tmp_path / "runs" / "second")


def test_starts_that_can_not_be(tmp_path: Path) -> None:
    write_small_data(tmp_path / "my-data")
    missing = load_config(settings(tmp_path, start="runs/nothing"))
    prepared = prepare(missing, str)
    with pytest.raises(ArtifactError):
        train(missing, prepared, str)
    other = load_config(settings(tmp_path), ["model.name=popularity"])
    train(other, prepared, str).save(tmp_path / "runs" / "popularity")
    with pytest.raises(ConfigError, match="'sequence' from 'popularity'"):
        train(load_config(settings(tmp_path, start="runs/popularity")), prepared, str)


def test_a_run_of_another_shop_goes_on_among_items_that_read_alike(tmp_path: Path) -> None:
    write_small_data(tmp_path / "my-data")
    words = {"content": {"fields": ["title"]}}
    config = load_config(settings(tmp_path, **words), ["training.epochs=3"])
    train(config, prepare(config, str), str).save(tmp_path / "runs" / "first")
    for table in ("events", "items"):
        file = tmp_path / "my-data" / f"{table}.csv"
        pl.read_csv(file).with_columns(pl.col("item_id") + 1000).write_csv(file)
    again = load_config(settings(tmp_path, start="runs/first", **words))
    said: list[str] = []
    second = train(again, prepare(again, str), said.append)
    assert any("another shop" in line for line in said)
    assert second.model.item_vocabulary.ids.min() == 1101
    wordless = load_config(settings(tmp_path))
    train(wordless, prepare(wordless, str), str).save(tmp_path / "runs" / "wordless")
    write_small_data(tmp_path / "my-data")
    wrong = load_config(settings(tmp_path, start="runs/wordless"))
    with pytest.raises(InputError, match="no words"):
        train(wrong, prepare(wrong, str), str)
