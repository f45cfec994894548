from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from typer.testing import CliRunner

from foretaste.cli import app
from tests.small_data import write_small_data


class Shell:
    """Runs commands in this process and keeps what they print."""

    def run(self, *arguments: object, exit_code: int = 0) -> str:
        """Returns stdout; the rest is in `stderr`."""
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        self.stderr = result.stderr
        assert result.exit_code == exit_code, result.output
        return result.stdout

    def json(self, *arguments: object, exit_code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", exit_code=exit_code))

    def fails(self, *arguments: object) -> str:
        """Runs what is bad input and returns its one line on stderr."""
        assert self.run(*arguments, exit_code=2) == ""
        assert "Traceback" not in self.stderr
        [line] = [line for line in self.stderr.splitlines() if line.startswith("Error:")]
        return line


@pytest.fixture(autouse=True)
def logging_as_before() -> Generator[None]:
    """A command sets up logging for its process, which is that of all tests here."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my-data/, foretaste.yaml and runs/first/; read only."""
    folder = tmp_path_factory.mktemp("shop")
    write_small_data(folder / "my-data")
    settings = {
        "data": {"path": "my-data"},
        "split": {"kind": "leave-one-out"},
        "model": {"name": "itemknn"},
    }
    config = folder / "foretaste.yaml"
    config.write_text(yaml.safe_dump(settings))
    Shell().run("train", config, "--name", "first", "--runs", folder / "runs")
    return folder
