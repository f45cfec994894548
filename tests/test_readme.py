"""What the README promises is run word for word, as a newcomer would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_data import write_small_data

_ROOT = Path(__file__).parent.parent
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _README, re.MULTILINE | re.DOTALL)


def _commands() -> list[str]:
    lines = "".join(_blocks("bash")).splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.strip()]


@pytest.mark.slow
def test_the_commands_and_the_python_of_the_readme(tmp_path: Path) -> None:
    write_small_data(tmp_path / "my-data")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FORETASTE_CACHE": str(tmp_path / "cache"),
    }
    commands = [command for command in _commands() if not command.startswith("make ")]
    python = "".join(_blocks("python"))
    assert len(commands) >= 8
    assert "ft.load" in python
    for command in [*map(shlex.split, commands), [sys.executable, "-c", python]]:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    assert (tmp_path / "runs" / "neighbours" / "manifest.json").is_file()
    assert (tmp_path / "runs" / "python" / "manifest.json").is_file()


def test_the_make_commands_of_the_readme_exist() -> None:
    wanted = {command.split()[1] for command in _commands() if command.startswith("make ")}
    targets = set(re.findall(r"^([a-z]+):", (_ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= wanted <= targets
