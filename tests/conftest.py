"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow or busy machine is no failure; more examples with --hypothesis-profile=default.
settings.register_profile("house", deadline=None, max_examples=50)
settings.load_profile("house")

ROOT = Path(__file__).resolve().parents[1]


def shared_data(name: str) -> Path:
    """The path of a real data set, or a skipped test where it is not at hand.

    Looked for in `$FORETASTE_DATA`, and in `shared/data` beside the repository.
    """
    home = Path(os.environ.get("FORETASTE_DATA", ROOT.parent / "shared" / "data"))
    if not (home / name).exists():
        pytest.skip(f"the data set {name} is not in {home} (set FORETASTE_DATA)")
    return home / name
