from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Shell


def test_explain_is_readable(shell: Shell, trained: Path) -> None:
    run = trained / "runs" / "first"
    best = shell.json("recommend", run, "--user", 42)["people"][0]["recommendations"][0]
    text = shell.run("explain", run, "--user", 42, "--item", best["item_id"])
    assert f"Why “{best['title']}”?" in text
    assert "Because you chose “Desk" in text
    assert "█" in text
    found = shell.json("explain", run, "--user", 42, "--item", best["item_id"])
    assert found["reason"] in " ".join(text.split())
    assert found["method"] == "exact"
    assert found["drop"] > 0
    assert found["evidence"][0]["named"]


def test_search_prints_titles_and_suits_the_person(shell: Shell, trained: Path) -> None:
    run = trained / "runs" / "first"
    text = shell.run("search", run, "garden lmp")
    assert "searched “lamp” for “lmp”" in text
    assert "Garden lamp no. 0 (101)" in text
    arguments = ("search", run, "lamp", "--user", 42, "--slider", 1, "-k", 3)
    rows = shell.json(*arguments)["items"]
    # User 42 likes desks, and every odd item is one.
    assert len(rows) == 3
    assert all(row["item_id"] % 2 == 0 for row in rows)
    assert "No. " not in shell.run("search", run, "xylophone")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "--user", "42", "--item", "nothing"), "nothing"),
        (("explain", "--user", "nobody", "--item", "101"), "nobody"),
        (("search", "?!"), "no words"),
        (("search", "lamp", "-k", "0"), "at least 1"),
        (("search", "lamp", "--user", "nobody"), "nobody"),
        (("search", "lamp", "--slider", "7"), "from 0 to 1"),
    ],
)
def test_bad_input_is_refused(
    shell: Shell, trained: Path, arguments: tuple[str, ...], words: str
) -> None:
    command, *rest = arguments
    assert words in shell.fails(command, trained / "runs" / "first", *rest)
