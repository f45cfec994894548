from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Shell
from tests.small_data import EVENTS, ITEMS, USERS, write_small_data


def test_check_says_what_was_understood(shell: Shell, trained: Path) -> None:
    text = shell.run("check", trained / "my-data")
    assert "events.csv" in text
    assert f"{USERS * EVENTS:,}" in text
    assert "exact-duplicates" in text


def test_check_takes_a_configuration(shell: Shell, trained: Path) -> None:
    found = shell.json("check", trained / "foretaste.yaml")
    assert found["inspection"]["problems"] == []
    assert found["cleaning"]["events_before"] == USERS * EVENTS


def test_check_shows_each_bad_row_and_exits_with_2(shell: Shell, tmp_path: Path) -> None:
    data = write_small_data(tmp_path / "my-data")
    with (data / "events.csv").open("a") as file:
        file.write("1,101,soon\n1,,1700000000\n")
    text = shell.run("check", data, exit_code=2)
    assert f"row {USERS * EVENTS + 2}" in text
    assert f"row {USERS * EVENTS + 3}" in text
    found = shell.json("check", data, exit_code=2)
    assert found["cleaning"] is None
    assert len(found["inspection"]["problems"]) == 2


def test_init_writes_what_check_and_train_take(shell: Shell, tmp_path: Path) -> None:
    data = write_small_data(tmp_path / "my-data")
    config = tmp_path / "configs" / "shop.yaml"
    config.parent.mkdir()
    shell.run("init", data, "-o", config)
    settings = yaml.safe_load(config.read_text())
    assert settings["data"]["path"] == "../my-data"
    assert settings["split"]["kind"] == "temporal"
    shell.run("check", config)
    runs = tmp_path / "runs"
    shell.run("train", config, "--set", "model.name=popularity", "--runs", runs)
    [run] = shell.json("runs", runs)["runs"]
    assert run["model"] == "popularity"
    assert "already" in shell.fails("init", data, "-o", config)


def test_train_prints_the_report_and_writes_the_run(shell: Shell, trained: Path) -> None:
    arguments = ("train", trained / "foretaste.yaml", "--runs", trained / "more")
    text = shell.run(*arguments, "--name", "text")
    assert "NDCG@10" in text
    assert "split" in shell.stderr.lower()
    assert "exact-duplicates" in shell.stderr
    found = shell.json(*arguments, "--name", "json", "--set", "evaluation.ks=[3]")
    assert Path(found["run"]).is_dir()
    assert found["report"]["ks"] == [3]
    # People like one half of the catalogue, and the model finds it: chance is 3 of 40.
    assert found["report"]["groups"]["all"]["metrics"]["HR@3"]["value"] > 0.15


def test_train_refuses_to_overwrite(shell: Shell, trained: Path) -> None:
    line = shell.fails(
        "train", trained / "foretaste.yaml", "--name", "first", "--runs", trained / "runs"
    )
    assert "already" in line


def test_a_run_s_name_is_a_plain_one(shell: Shell, trained: Path) -> None:
    arguments = ("train", trained / "foretaste.yaml", "--runs", trained / "runs", "--name")
    for name in ("../elsewhere", "a/b", "..", ""):
        assert "plain name" in shell.fails(*arguments, name)


def test_train_names_a_misspelt_setting(shell: Shell, trained: Path) -> None:
    line = shell.fails("train", trained / "foretaste.yaml", "--set", "model.shrinkag=3")
    assert "model.shrinkag" in line
    assert "foretaste.yaml" in line


def test_evaluate_gives_the_figures_of_training(shell: Shell, trained: Path) -> None:
    saved = shell.json("runs", trained / "runs")["runs"][0]
    report = shell.json("evaluate", trained / "runs" / "first")
    assert report["fingerprint"] == saved["split"]
    assert report["groups"]["all"]["metrics"]["NDCG@10"]["value"] == saved["metrics"]["NDCG@10"]


def test_evaluate_refuses_data_that_has_changed_or_gone(
    shell: Shell, trained: Path, tmp_path: Path
) -> None:
    run = trained / "runs" / "first"
    moved = shutil.copytree(trained / "my-data", tmp_path / "moved")
    shell.run("evaluate", run, "--data", moved)
    events = (moved / "events.csv").read_text().splitlines()
    (moved / "events.csv").write_text("\n".join(events[:-1]))
    assert "changed" in shell.fails("evaluate", run, "--data", moved)
    assert "--data" in shell.fails("evaluate", run, "--data", tmp_path / "gone")


def test_recommend_prints_titles_and_what_was_seen(shell: Shell, trained: Path) -> None:
    text = shell.run("recommend", trained / "runs" / "first", "--user", 42, "-k", 3)
    assert f"User 42: {EVENTS} events seen" in text
    # User 42 likes desks, and all that was held out is known by now.
    assert "Desk" in text
    assert "Garden" not in text


def test_recommend_gives_programs_the_same(shell: Shell, trained: Path) -> None:
    people = shell.json("recommend", trained / "runs" / "first", "--user", 42, "--user", 1)[
        "people"
    ]
    assert [person["user_id"] for person in people] == [42, 1]
    assert all(person["events"] == EVENTS for person in people)
    best = people[0]["recommendations"][0]
    assert best["rank"] == 1
    assert best["title"].startswith("Desk")
    assert not {row["item_id"] for row in people[0]["recent"]} & {
        row["item_id"] for row in people[0]["recommendations"]
    }


def test_recommend_to_somebody_new(shell: Shell, trained: Path) -> None:
    run = trained / "runs" / "first"
    [person] = shell.json("recommend", run, "--history", "101,103", "-k", 4)["people"]
    assert person["user_id"] is None
    assert [row["item_id"] for row in person["recent"]] == [103, 101]
    assert [row["title"].split()[0] for row in person["recommendations"]] == ["Garden"] * 4
    assert "Somebody new: 2 events" in shell.run("recommend", run, "--history", "101,103")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--user", "nobody"), "nobody"),
        (("--history", "101,nothing"), "nothing"),
        ((), "--user"),
        (("--user", "42", "--history", "101"), "--user"),
        (("--user", "42", "-k", "0"), "at least 1"),
        (("--user", "42", "-k", str(ITEMS + 1)), str(ITEMS)),
    ],
)
def test_recommend_refuses_bad_input(
    shell: Shell, trained: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in shell.fails("recommend", trained / "runs" / "first", *arguments)


def test_recommend_passes_over_the_unknown_when_lenient(shell: Shell, trained: Path) -> None:
    run = trained / "runs" / "first"
    known = shell.json("recommend", run, "--history", "101,103")
    assert shell.json("recommend", run, "--history", "101,x,103", "--lenient") == known
    assert "1 of 3" in shell.stderr
    people = shell.json("recommend", run, "--user", "x", "--user", "42", "--lenient", "-k", 99)
    assert [person["user_id"] for person in people["people"]] == [42]


def test_runs_lists_sound_and_damaged_runs(shell: Shell, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "runs" / "first", tmp_path / "first")
    shutil.copytree(trained / "runs" / "first", tmp_path / "broken")
    (tmp_path / "broken" / "manifest.json").write_text("{")
    broken, first = shell.json("runs", tmp_path)["runs"]
    assert first["model"] == "itemknn"
    assert 0 < first["metrics"]["NDCG@10"] <= 1
    assert broken["problem"]
    text = shell.run("runs", tmp_path)
    assert "itemknn" in text
    assert "broken" in text


def test_runs_needs_a_folder(shell: Shell, tmp_path: Path) -> None:
    assert "no such folder" in shell.fails("runs", tmp_path / "none")
    assert "no runs" in shell.run("runs", tmp_path)


def test_train_goes_on_from_a_run(shell: Shell, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "shop")
    data = tmp_path / "shop" / "my-data" / "events.csv"
    lines = data.read_text().splitlines()
    last = max(int(line.split(",")[2]) for line in lines[1:])
    data.write_text("\n".join([*lines, f"1,101,{last + 9}", f"1,102,{last + 99}"]) + "\n")
    arguments = ("train", tmp_path / "shop" / "foretaste.yaml", "--runs", tmp_path / "more")
    earlier = tmp_path / "shop" / "runs" / "first"
    start = ("--from", earlier)
    (earlier / "safety").mkdir()
    (earlier / "safety" / "review.jsonl").write_text("")
    text = shell.run(*arguments, *start, "--name", "text")
    assert "Learnt from 2 new events" in text
    assert (tmp_path / "more" / "text" / "safety" / "review.jsonl").exists()
    assert f"the {USERS - 1} people without new events" in text
    found = shell.json(*arguments, *start, "--name", "json")
    assert found["learnt_on"]["events"] == 2
    [change] = found["learnt_on"]["forgetting"]["differences"]
    assert change["users"] == USERS - 1
    assert "other settings" in shell.fails(
        *arguments, *start, "--name", "other", "--set", "model.neighbours=3"
    )
