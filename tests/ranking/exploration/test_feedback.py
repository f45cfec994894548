from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Vocabulary
from foretaste.errors import ArtifactError, DataError, InputError
from foretaste.ranking.exploration import (
    ExplorationConfig,
    checked_rewards,
    make_bandit,
    restore_bandit,
    rewards_of,
    save_bandit,
)
from foretaste.ranking.exploration.bandits import Thompson
from tests.ranking.worlds import CATALOGUE, ITEMS

POLICIES = ["epsilon-greedy", "thompson", "linucb"]
ALL = CATALOGUE.vocabulary


def new(policy: str):
    return make_bandit(ExplorationConfig.parse({"policy": policy}), CATALOGUE)


@pytest.mark.parametrize("policy", POLICIES)
def test_what_was_learnt_comes_back_from_the_file(policy: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bandit = new(policy)
    bandit.update(rng.integers(1, ITEMS + 1, 200).astype(np.int32), rng.random(200))
    path = save_bandit(bandit, tmp_path / "b.safetensors", policy=policy, items=ALL)
    again = new(policy)
    restore_bandit(again, path, policy=policy, items=ALL)
    pool = np.arange(1, ITEMS + 1, dtype=np.int32)[None]
    one, other = (b.choose(pool, 10, np.random.default_rng(1)) for b in (bandit, again))
    np.testing.assert_array_equal(one.columns, other.columns)
    np.testing.assert_array_equal(one.propensities, other.propensities)
    for name, tensor in bandit.tensors().items():
        np.testing.assert_array_equal(again.tensors()[name], tensor)
    assert [file.name for file in tmp_path.iterdir()] == ["b.safetensors"]


def test_what_was_learnt_holds_when_items_have_come(tmp_path: Path) -> None:
    fewer, n = Vocabulary(ALL.ids[:-3]), ITEMS - 3
    for policy in POLICIES:
        bandit = new(policy) if policy != "thompson" else Thompson(n + 1, draws=10)
        bandit.update(np.array([1, 1, n], np.int32), np.array([1.0, 0.5, 0.0]))
        path = save_bandit(bandit, tmp_path / policy, policy=policy, items=fewer)
        grown = new(policy)
        restore_bandit(grown, path, policy=policy, items=ALL)
        for name, tensor in bandit.tensors().items():
            kept = grown.tensors()[name]
            np.testing.assert_array_equal(kept[: len(tensor)], tensor)
            assert (kept[len(tensor) :] == 1).all()
        restore_bandit(new(policy), path, policy=policy, items=ALL)
        with pytest.raises(ArtifactError, match="another catalogue"):
            restore_bandit(new(policy), path, policy=policy, items=Vocabulary(ALL.ids.reverse()))


def test_a_state_that_is_not_of_this_bandit_is_refused(tmp_path: Path) -> None:
    path = save_bandit(new("thompson"), tmp_path / "b", policy="thompson", items=ALL)
    with pytest.raises(ArtifactError, match="another policy"):
        restore_bandit(new("linucb"), path, policy="linucb", items=ALL)
    others = Vocabulary(ALL.ids.reverse())
    with pytest.raises(ArtifactError, match="another catalogue"):
        restore_bandit(new("thompson"), path, policy="thompson", items=others)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="not as it was written"):
        restore_bandit(new("thompson"), path, policy="thompson", items=ALL)
    path.write_bytes(content[:-9])
    with pytest.raises(ArtifactError):
        restore_bandit(new("thompson"), path, policy="thompson", items=ALL)
    with pytest.raises(ArtifactError):
        restore_bandit(new("thompson"), tmp_path / "none", policy="thompson", items=ALL)


logged = st.lists(
    st.tuples(
        st.sampled_from(["r1", "r2", None]),
        st.sampled_from(["i00", "i01", "i02"]),
        st.sampled_from(["view", "purchase", "refund"]),
    ),
    max_size=12,
)


@given(logged)
def test_rewards_are_those_of_the_best_event_that_followed(events: list[tuple]) -> None:
    shown = pl.DataFrame(
        {"recommendation_id": ["r1", "r1", "r2"], "item_id": ["i00", "i01", "i00"]}
    )
    schema = dict.fromkeys(["recommendation_id", "item_id", "event_type"], pl.String)
    table = pl.DataFrame(events, schema=schema, orient="row")
    worth = {"view": 0.25, "purchase": 1.0}
    found = rewards_of(shown, table, worth)
    assert found.drop("reward").equals(shown)
    for name, item, reward in found.iter_rows():
        came = [worth.get(kind, 0) for r, i, kind in events if (r, i) == (name, item)]
        assert reward == max(came, default=0)


def test_feedback_that_can_t_be_learnt_from_names_its_row() -> None:
    good = pl.DataFrame({"item_id": ["i00", "i03"], "reward": [1, 0]})
    codes, rewards = checked_rewards(good, ALL)
    assert (codes.tolist(), rewards.tolist()) == (ALL.encode(["i00", "i03"]).tolist(), [1.0, 0.0])
    for bad, row, field in (
        (good.with_columns(item_id=pl.Series(["i00", "no"])), 2, "item_id"),
        (good.with_columns(reward=pl.Series([1.0, 1.5])), 2, "reward"),
        (good.with_columns(reward=pl.Series([None, 1.0])), 1, "reward"),
        (good.with_columns(reward=pl.Series([float("nan"), 1.0])), 1, "reward"),
        (good.drop("reward"), None, "reward"),
    ):
        with pytest.raises(DataError) as raised:
            checked_rewards(bad, ALL)
        assert (raised.value.row, raised.value.field) == (row, field)
    shown = pl.DataFrame({"recommendation_id": ["r"], "item_id": ["i00"]})
    with pytest.raises(DataError):
        rewards_of(shown, shown, {})
    with pytest.raises(InputError, match="from 0 to 1"):
        rewards_of(shown, shown.with_columns(event_type=pl.lit("view")), {"view": 2.0})
