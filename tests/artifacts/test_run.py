from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from foretaste import artifacts
from foretaste.data import Dataset, Split
from foretaste.errors import ArtifactError, NotFittedError
from foretaste.evaluation import EvaluationReport, evaluate
from foretaste.models import ALS, ItemKNN, Popularity, SequenceRecommender
from tests.contracts.worlds import two_tastes


@pytest.fixture(scope="module")
def world() -> Dataset:
    return two_tastes()


@pytest.fixture(scope="module")
def split(world: Dataset) -> Split:
    return world.split("leave-one-out")


@pytest.fixture(scope="module")
def model(split: Split) -> ALS:
    return ALS(factors=4, seed=5).fit(split.train)


@pytest.fixture(scope="module")
def report(model: ALS, split: Split) -> EvaluationReport:
    return evaluate(model, split, resamples=100)


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    model: ALS,
    world: Dataset,
    split: Split,
    report: EvaluationReport,
) -> artifacts.Run:
    path = tmp_path_factory.mktemp("runs") / "first"
    config = {"model": {"name": "als"}, "data": {"path": "/näh/e"}}
    artifacts.save(model, path, dataset=world, split=split, report=report, config=config)
    return artifacts.open_run(path)


def test_everything_comes_back(
    run: artifacts.Run, model: ALS, world: Dataset, split: Split, report: EvaluationReport
) -> None:
    assert run.config == {"model": {"name": "als"}, "data": {"path": "/näh/e"}}
    assert run.items.equals(world.items)
    assert run.split_fingerprint == split.fingerprint
    assert run.report is not None
    assert run.report.to_dict() == report.to_dict()
    assert run.report.per_user.equals(report.per_user)
    assert run.model.recommend(users=["p1"]).equals(model.recommend(users=["p1"]))


def test_manifest_says_where_the_run_comes_from(
    run: artifacts.Run, world: Dataset, split: Split
) -> None:
    manifest = run.manifest
    assert (manifest.format, manifest.model, manifest.seed) == (artifacts.FORMAT, "als", 5)
    assert manifest.dataset_fingerprint == world.fingerprint
    assert (manifest.split_kind, manifest.split_fingerprint) == (split.kind, split.fingerprint)
    assert {"python", "foretaste", "numpy", "torch"} <= set(manifest.versions)
    assert manifest.machine.cores >= 1
    assert manifest.machine.memory > 2**28
    assert manifest.created.utcoffset() is not None
    on_disk = {file.relative_to(run.path).as_posix() for file in run.path.rglob("*.*")}
    assert on_disk - set(manifest.files) == {"manifest.json", "manifest.json.sha256"}


def test_files_are_readable_without_us(run: artifacts.Run) -> None:
    assert yaml.safe_load((run.path / "config.yaml").read_text("utf-8"))["model"]["name"] == "als"
    assert json.loads((run.path / "metrics.json").read_text("utf-8"))["model"] == "als"
    assert "title" in pl.read_parquet(run.path / "items.parquet").columns
    assert (run.path / "plots" / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    endings = {file.suffix for file in run.path.rglob("*") if file.is_file()}
    expected = {".json", ".yaml", ".md", ".png", ".parquet", ".safetensors", ".sha256"}
    assert endings == expected


def test_card_tells_people(run: artifacts.Run, report: EvaluationReport) -> None:
    card = (run.path / "card.md").read_text("utf-8")
    for section in ("Data", "Split", "How well it does", "Intended use", "Limits", "Privacy"):
        assert f"\n## {section}\n" in card
    assert report.headline in card
    assert "1 of 21 items had no event in training" in card
    assert "order only" in card


def test_all_may_read_what_one_may_read(run: artifacts.Run) -> None:
    modes = {file.stat().st_mode for file in run.path.rglob("*") if file.is_file()}
    assert len(modes) == 1


def test_a_model_alone_is_enough(tmp_path: Path, model: ALS) -> None:
    run = artifacts.open_run(artifacts.save(model, tmp_path / "deep" / "alone"))
    assert run.config == {}
    assert run.report is None
    assert run.items["item_id"].equals(model.item_vocabulary.ids.alias("item_id"))
    with pytest.raises(ArtifactError, match="without its split"):
        _ = run.split_fingerprint


def test_tensors_keep_their_values_however_they_lie(tmp_path: Path, split: Split) -> None:
    model = ALS(factors=3).fit(split.train)
    in_columns = np.asfortranarray(model.state().tensors["als.item_factors"])
    model._use(in_columns)
    loaded = artifacts.load(artifacts.save(model, tmp_path / "run"))
    np.testing.assert_array_equal(loaded.state().tensors["als.item_factors"], in_columns)


def test_what_is_there_is_not_overwritten(tmp_path: Path, split: Split, model: ALS) -> None:
    path = artifacts.save(Popularity().fit(split.train), tmp_path / "run")
    with pytest.raises(ArtifactError, match="something here already"):
        artifacts.save(model, path)
    assert isinstance(artifacts.load(path), Popularity)


def test_a_run_is_overwritten_on_request(tmp_path: Path, split: Split, model: ALS) -> None:
    path = artifacts.save(Popularity().fit(split.train), tmp_path / "run", overwrite=True)
    artifacts.save(model, path, overwrite=True)
    assert isinstance(artifacts.load(path), ALS)
    assert list(tmp_path.iterdir()) == [path]


def test_only_runs_are_overwritten(tmp_path: Path, model: ALS) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="no run"):
        artifacts.save(model, tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_run_that_fails_leaves_nothing(tmp_path: Path, split: Split) -> None:
    with pytest.raises(NotFittedError):
        artifacts.save(ItemKNN(), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_failed_replacement_leaves_the_old_run(
    tmp_path: Path, split: Split, model: ALS, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = artifacts.save(Popularity().fit(split.train), tmp_path / "run")
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if self.suffix == ".partial":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(ArtifactError, match="No space left"):
        artifacts.save(model, path, overwrite=True)
    assert isinstance(artifacts.load(path), Popularity)
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written(tmp_path: Path, model: ALS) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="can't be written"):
        artifacts.save(model, tmp_path / "file" / "run")


def test_the_learning_curve_is_kept(tmp_path: Path, split: Split) -> None:
    model = SequenceRecommender(dimension=8, training={"epochs": 2})
    model.fit(split.train, validation=split.validation)
    path = artifacts.save(model, tmp_path / "run")
    curve = json.loads((path / "training.json").read_text())
    assert [epoch["number"] for epoch in curve["epochs"]] == [1, 2]
    assert curve["best"] == model.training_history.best
    assert (path / "plots" / "learning_curve.png").stat().st_size > 1000
    assert artifacts.load(path).history_of("p1")
