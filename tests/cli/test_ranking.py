from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Shell

SETTINGS = [
    'ranking.rules=["EXCLUDE item WHERE item_id = $not", "INCLUDE item WHERE item_id < $below"]',
    "ranking.diversity.mmr=0",
]


@pytest.fixture(scope="module")
def ruled(trained: Path) -> Path:
    arguments = [part for setting in SETTINGS for part in ("--set", setting)]
    Shell().run(
        "train",
        trained / "foretaste.yaml",
        "--name",
        "ruled",
        "--runs",
        trained / "more",
        *arguments,
    )
    return trained / "more" / "ruled"


def test_recommend_applies_the_rules_of_the_run(shell: Shell, ruled: Path) -> None:
    arguments = ("recommend", ruled, "--user", 42, "-k", 5)
    [person] = shell.json(*arguments, "--param", "not=102", "--param", "below=105")["people"]
    found = [row["item_id"] for row in person["recommendations"]]
    assert 102 not in found
    assert all(item < 105 for item in found)
    assert len(found) < 5
    assert "below" in person["note"]
    text = shell.run(*arguments, "--param", "not=102", "--param", "below=101")
    assert "Items left out: 39 by INCLUDE" in text


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ((), "$not"),
        (("--param", "not=102", "--param", "below=many"), "'many'"),
        (("--param", "not=1", "--param", "below=2", "--param", "belwo=2"), "Did you mean $below"),
        (("--param", "not"), "name=value"),
        (("--param", "not=[1"), "name=value"),
    ],
)
def test_a_wrong_parameter_is_one_line(
    shell: Shell, ruled: Path, parameters: tuple[str, ...], words: str
) -> None:
    assert words in shell.fails("recommend", ruled, "--user", 42, *parameters)


def test_parameters_without_rules(shell: Shell, trained: Path) -> None:
    run = trained / "runs" / "first"
    assert "ranking" in shell.fails("recommend", run, "--user", 42, "--param", "a=1")


def test_similar_lists_items_like_an_item(shell: Shell, trained: Path) -> None:
    run = trained / "runs" / "first"
    text = shell.run("similar", run, "--item", 102, "-k", 3, "--by", "behaviour")
    assert "Like Desk chair no. 1:" in text
    assert "behaviour" in text
    found = shell.json("similar", run, "--item", 102, "--item", 101, "--by", "behaviour")["similar"]
    assert {row["anchor_id"] for row in found} == {101, 102}
    assert all(row["title"].startswith("Desk") for row in found if row["anchor_id"] == 102)
    assert "unheard" in shell.fails("similar", run, "--item", "unheard")
    assert "at least 1" in shell.fails("similar", run, "--item", 102, "-k", 0)
