"""The guide's example is true."""

from __future__ import annotations

import re

import yaml

from foretaste.ranking import RankingConfig
from tests.conftest import ROOT


def test_the_guide_s_examples_are_configurations() -> None:
    guide = (ROOT / "docs" / "ranking.md").read_text(encoding="utf-8")
    [example, index] = re.findall(r"^```yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    config = RankingConfig.parse(yaml.safe_load(example)["ranking"])
    assert len(config.rules) == 2
    assert config.diversity.sliders == {"mmr": 0.2, "calibration": 0.1}
    # What it says of the index is the default.
    assert RankingConfig.parse(yaml.safe_load(index)["ranking"]) == RankingConfig()
