from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foretaste import pipeline
from foretaste.cli import app
from tests.cli.conftest import Shell

_HEAVY = ("torch", "transformers", "polars", "implicit", "sklearn", "pydantic")


def _in_a_process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize("start", ["import foretaste", "import foretaste.cli"])
def test_the_start_is_light(start: str) -> None:
    code = f"{start}, sys; print([m for m in {_HEAVY} if m in sys.modules])"
    assert _in_a_process("-c", code).stdout.strip() == "[]"


def test_every_command_has_help_with_an_example(shell: Shell) -> None:
    text = shell.run("--help")
    for command in ("demo", "init", "check", "train", "evaluate", "recommend", "runs"):
        assert command in text
        assert f"foretaste {command}" in shell.run(command, "--help")


def test_the_version_is_the_package_s(shell: Shell) -> None:
    import foretaste

    assert shell.run("--version").split()[-1] == foretaste.__version__


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    code = "from foretaste.cli import main; main()"
    done = _in_a_process("-c", code, "check", "nowhere.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: nowhere.yaml")


def test_json_alone_is_on_stdout(trained: Path) -> None:
    code = "from foretaste.cli import main; main()"
    done = _in_a_process("-c", code, "evaluate", str(trained / "runs" / "first"), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["model"] == "itemknn"
    assert "Measuring" in done.stderr


@pytest.fixture
def a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("no good")

    monkeypatch.setattr(pipeline, "load_task", broken)


@pytest.mark.usefixtures("a_bug")
def test_a_bug_is_called_one_and_fails_with_1(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORETASTE_DEBUG", raising=False)
    shell.run("train", "any.yaml", exit_code=1)
    assert "bug" in shell.stderr
    assert "ZeroDivisionError: no good" in shell.stderr
    assert "FORETASTE_DEBUG" in shell.stderr
    assert "Traceback" not in shell.stderr


@pytest.mark.parametrize("kind", [ImportError, OSError])
def test_a_library_that_the_system_lacks_is_named_with_its_package(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def load(*_: object, **__: object) -> None:
        raise kind("libgomp.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.delenv("FORETASTE_DEBUG", raising=False)
    monkeypatch.setattr(pipeline, "load_task", load)
    shell.run("train", "any.yaml", exit_code=1)
    assert "apt-get install libgomp1" in shell.stderr
    assert "bug" not in shell.stderr


@pytest.mark.usefixtures("a_bug")
def test_a_traceback_is_shown_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETASTE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(app, ["train", "any.yaml"], catch_exceptions=False)
