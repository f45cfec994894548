"""What a run's bandit learns is kept with the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste import artifacts
from foretaste.errors import ArtifactError, DataError, InputError
from foretaste.pipeline import learn_from_feedback, ranker_of
from tests.pipeline.test_ranking import saved_run
from tests.small_data import FIRST_ITEM, ITEMS

THOMPSON = {"exploration": {"policy": "thompson"}}
LIKED = FIRST_ITEM + 7
FEEDBACK = pl.DataFrame(
    {
        "item_id": [FIRST_ITEM + n for n in range(ITEMS) for _ in range(30)],
        "reward": [float(FIRST_ITEM + n == LIKED) for n in range(ITEMS) for _ in range(30)],
    }
)


def tensors(saved: artifacts.Run) -> dict[str, np.ndarray]:
    ranker = ranker_of(saved)
    assert ranker is not None
    assert ranker.pipeline.bandit is not None
    return ranker.pipeline.bandit.tensors()


def test_experience_comes_back_with_the_run(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, THOMPSON)
    assert tensors(saved)["liked"].sum() == ITEMS + 1
    ranker = learn_from_feedback(saved, FEEDBACK)
    again = ranker_of(artifacts.open_run(saved.path))
    assert again is not None
    names = [f"r{n}" for n in range(20)]
    asked = {"histories": [[FIRST_ITEM + 1]] * 20, "k": 1, "recommendation_ids": names}
    one, other = ranker.recommend(**asked).table, again.recommend(**asked).table
    assert one.equals(other)
    assert one["item_id"].to_list().count(LIKED) >= 18
    # It adds up, also over runs of the program.
    learn_from_feedback(artifacts.open_run(saved.path), FEEDBACK)
    liked = tensors(saved)["liked"][saved.model.item_vocabulary.encode([LIKED])]
    assert liked.tolist() == [61.0]


def test_bad_feedback_changes_nothing(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, THOMPSON)
    learn_from_feedback(saved, FEEDBACK)
    before = (saved.path / "exploration.safetensors").read_bytes()
    for bad in (FEEDBACK.with_columns(reward=2.0), FEEDBACK.with_columns(item_id=pl.lit(9))):
        with pytest.raises(DataError) as raised:
            learn_from_feedback(saved, bad)
        assert raised.value.row == 1
    assert (saved.path / "exploration.safetensors").read_bytes() == before


def test_a_run_that_does_not_explore_learns_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing explores"):
        learn_from_feedback(saved_run(tmp_path / "a", None), FEEDBACK)
    with pytest.raises(InputError, match="nothing explores"):
        learn_from_feedback(saved_run(tmp_path / "b", {"pool": 50}), FEEDBACK)


def test_damaged_experience_is_refused(tmp_path: Path) -> None:
    saved = saved_run(tmp_path, THOMPSON)
    learn_from_feedback(saved, FEEDBACK)
    file = saved.path / "exploration.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ArtifactError, match=r"exploration\.safetensors"):
        ranker_of(saved)
