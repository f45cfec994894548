"""The guide's example is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from foretaste.serving.state.limits import FORGETTING_SECONDS, PLACES
from foretaste.serving.store.postgres import ANSWER_SECONDS, STATEMENT_SECONDS
from foretaste.serving.store.sqlite import SECONDS
from foretaste.serving.store.values import LONGEST_ID
from tests.conftest import ROOT

GUIDE = (ROOT / "docs" / "stores.md").read_text(encoding="utf-8")


def test_the_guide_s_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [example] = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    assert (names["first"], names["again"]) == (1, None)


def test_the_guide_s_figures() -> None:
    assert f"1 to {LONGEST_ID} characters" in GUIDE
    assert f"fail after {ANSWER_SECONDS:g} seconds" in GUIDE
    assert f"longer than {STATEMENT_SECONDS:g} seconds" in GUIDE
    assert f"by others for {SECONDS} seconds" in GUIDE
    assert f"the latest {PLACES}\nevents" in GUIDE
    assert FORGETTING_SECONDS == 5
    assert "five seconds after" in GUIDE
