"""The guide's examples are true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from foretaste.data.shop import ShopConfig, generate
from tests.conftest import ROOT
from tests.content.senses import write_vit


def test_the_guide_s_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    guide = (ROOT / "docs" / "content.md").read_text(encoding="utf-8")
    example, *_ = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    generate(ShopConfig(items=400, people=60)).write(tmp_path / "my-shop", images=True)
    write_vit(tmp_path / "models" / "pictures")
    monkeypatch.chdir(tmp_path)
    # The tiny model has only 16 coordinates.
    made: dict[str, Any] = {}
    exec(example.replace('method="gated"', 'method="gated", dimension=8'), made)
    items = made["data"].items
    assert made["both"].encode(items).shape == (400, 8)
    assert made["short"].encode(items).shape == (400, 64)
    assert made["model"].content.encoder is made["both"]
