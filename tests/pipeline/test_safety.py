"""A run's classifier of harmful items stands in front of all its lists."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from foretaste import artifacts
from foretaste.errors import ArtifactError, ConfigError, DataError, InputError, UnknownIdError
from foretaste.pipeline import look_at_users, ranker_of, safe_items, similar_items
from foretaste.pipeline.safety import HarmTrained, decide, train_harm, waiting
from foretaste.ranking import HarmClassifier
from tests.pipeline.test_ranking import saved_run
from tests.small_data import FIRST_ITEM, ITEMS

GARDEN = {FIRST_ITEM + n for n in range(0, ITEMS, 2)}


def labels(folder: Path, taught: int = ITEMS - 6) -> Path:
    """Garden things are harmful; of the last items nothing is said."""
    path = folder / "labels.csv"
    ids = [FIRST_ITEM + n for n in range(taught)]
    said = [int(item in GARDEN) for item in ids]
    pl.DataFrame({"item_id": ids, "label": said}).write_csv(path)
    return path


def trained(folder: Path, ranking: dict | None = None, **options: float) -> artifacts.Run:
    saved = saved_run(folder, ranking)
    train_harm(saved, labels(folder), print, **options)
    return artifacts.open_run(saved.path)


@pytest.mark.parametrize("ranking", [None, {"pool": 100, "sources": ["model", "popular"]}])
def test_nothing_harmful_is_shown_by_any_path(tmp_path: Path, ranking: dict | None) -> None:
    saved = trained(tmp_path, ranking, block=0.5)
    ranker = ranker_of(saved)
    assert ranker is not None
    people = look_at_users(saved.model, saved.items, [1, 2, 3], k=30, ranker=ranker)
    shown = [set(person.recommendations["item_id"]) for person in people]
    shown.append(set(similar_items(saved, ["102", "101"], ITEMS, "behaviour")["item_id"]))
    shown.append(set(ranker.because_you_watched(users=[1, 2], k=20)["item_id"]))
    shown.append(set(safe_items(saved)))
    assert all(shown)
    assert not set.union(*shown) & GARDEN
    assert set(safe_items(saved)) == set(saved.items["item_id"]) - GARDEN


def test_the_report_is_of_labels_that_were_held_out(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, None)
    done = train_harm(saved, labels(tmp_path), print, block=0.5)
    assert isinstance(done, HarmTrained)
    report = done.report
    assert (report.labels, report.harmful, report.held_out) == (34, 17, 6)
    assert report.auc > 0.9
    assert report.threshold == 0.5
    assert done.shown == ITEMS - len(GARDEN)
    # Labels that say nothing are told from nothing.
    path = tmp_path / "noise.csv"
    rows = {"item_id": range(FIRST_ITEM, FIRST_ITEM + 32), "label": [0, 0, 1, 1] * 8}
    pl.DataFrame(rows).write_csv(path)
    noise = train_harm(saved, path, print, block=0.999)
    assert noise.report.auc < 0.9
    assert noise.report.precision is None
    assert noise.report.recall == 0


def test_people_decide_where_it_is_in_doubt(tmp_path: Path) -> None:
    saved = trained(tmp_path, block=1.0, review=0.5)
    queue = waiting(saved)
    assert {int(item) for item in queue["item_id"]} == GARDEN
    assert queue["title"].str.starts_with("Garden").all()
    assert queue["probability"].is_sorted(descending=True)
    assert not set(safe_items(saved)) & GARDEN
    decide(saved, ["101", "103"], "allow")
    decide(saved, ["105"], "block")
    assert set(safe_items(saved)) & GARDEN == {101, 103}
    with pytest.raises(UnknownIdError):
        decide(saved, ["107", "102"], "allow")
    assert len(waiting(saved)) == len(GARDEN) - 3
    assert waiting(saved, decided=True)["decision"].to_list().count("allow") == 2
    # Decisions and thresholds stay when the classifier learns anew.
    train_harm(saved, labels(tmp_path, 30), print)
    assert set(safe_items(saved)) & GARDEN == {101, 103}


def test_a_run_that_is_moved_takes_its_classifier_along(tmp_path: Path) -> None:
    saved = trained(tmp_path, block=0.5)
    moved = Path(shutil.move(saved.path, tmp_path / "elsewhere"))
    again = artifacts.open_run(moved)
    assert not set(safe_items(again)) & GARDEN
    file = moved / "safety" / "settings.json"
    file.write_text("{")
    with pytest.raises(ArtifactError, match=r"settings\.json"):
        ranker_of(again)


def test_a_section_without_a_classifier_shows_nothing_until_there_is_one(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, {"safety": {"harm": {"block": 0.5}}})
    with pytest.raises(ConfigError, match="foretaste safety train"):
        ranker_of(saved)
    with pytest.raises(InputError, match="no queue"):
        waiting(saved)
    train_harm(saved, labels(tmp_path), print)
    assert not set(safe_items(saved)) & GARDEN


def test_what_can_t_be_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, None)
    path = labels(tmp_path)
    with pytest.raises(ConfigError, match="review"):
        train_harm(saved, path, print, block=0.2)
    pl.DataFrame({"item_id": [101, 102, 104], "label": [1, 0, 0]}).write_csv(path)
    with pytest.raises(DataError, match="1 say harmful"):
        train_harm(saved, path, print)
    assert not (saved.path / "safety").exists()


def test_a_classifier_from_elsewhere_is_not_replaced(tmp_path: Path) -> None:
    other = trained(tmp_path / "other")
    theirs = other.path / "safety" / "classifier.safetensors"
    HarmClassifier.load(theirs)
    harm = {"classifier": str(theirs), "block": 0.5, "queue": str(tmp_path / "queue.jsonl")}
    saved = saved_run(tmp_path, {"safety": {"harm": harm}})
    assert not set(safe_items(saved)) & GARDEN
    with pytest.raises(ConfigError, match="uses the classifier"):
        train_harm(saved, labels(tmp_path), print)
