"""The peers' own environments, in `.peers/` of the repository.

No single one can hold all: some want NumPy 1, some NumPy 2.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FOLDER = ROOT / ".peers"
NAMES = ("numpy-1", "numpy-2")


def make_environments() -> int:
    """Installs every `NAME.txt` of this folder into `.peers/NAME`; 0 when all went well."""
    return max(_make(name) for name in NAMES)


def python_of(environment: str) -> Path:
    """The interpreter of an environment, which may not be there."""
    return FOLDER / environment / "bin" / "python"


def why_missing(environment: str, library: str) -> str | None:
    """What keeps a library from being used; None where nothing does."""
    python = python_of(environment)
    if not python.exists():
        return f"there is no .peers/{environment}: run `python benchmarks/run.py peers`"
    found = subprocess.run(
        [python, "-c", f"import {library}"], check=False, capture_output=True, text=True
    )
    return found.stderr.strip().splitlines()[-1] if found.returncode else None


def variables() -> dict[str, str]:
    """The environment variables a peer runs under."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(HERE.parent)]),
        # RecBole saves and loads whole objects.
        "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
    }


def _make(name: str) -> int:
    print(f"making .peers/{name}", file=sys.stderr)
    python = python_of(name)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER / name], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*install, "-r", HERE / f"{name}.txt"], check=False).returncode
