from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import ConfigError, InputError
from foretaste.ranking import Catalogue, RankingConfig, RankingPipeline
from foretaste.ranking.exploration import (
    Bandit,
    EpsilonGreedy,
    ExplorationConfig,
    LinUCB,
    Thompson,
    make_bandit,
)
from foretaste.ranking.exploration.bandits import epsilon_greedy
from tests.ranking.worlds import CATALOGUE, DATA, ITEMS, MODEL, ranker

SIZE = CATALOGUE.size
POLICIES = ("epsilon-greedy", "thompson", "linucb")


def make(policy: str, **settings: float) -> Bandit:
    return make_bandit(ExplorationConfig.parse({"policy": policy} | settings), CATALOGUE)


@pytest.mark.parametrize("policy", POLICIES)
@given(
    pools=st.lists(
        st.lists(st.integers(1, ITEMS), max_size=8, unique=True), min_size=1, max_size=5
    ),
    k=st.integers(1, 10),
    seed=st.integers(0, 1000),
)
def test_choices_are_of_the_pool_each_once_and_have_a_chance(
    policy: str, pools: list[list[int]], k: int, seed: int
) -> None:
    items = np.array([pool + [0] * (8 - len(pool)) for pool in pools], np.int32)
    choice = make(policy, epsilon=0.5, draws=10).choose(items, k, np.random.default_rng(seed))
    for row, pool in enumerate(pools):
        chosen = choice.columns[row][choice.columns[row] >= 0]
        assert len(chosen) == min(k, len(pool))
        assert len(set(chosen.tolist())) == len(chosen)
        assert (items[row, chosen] > 0).all()
    assert ((choice.propensities > 0) & (choice.propensities <= 1)).all()


def test_epsilon_greedy_propensities_are_those_of_its_choices() -> None:
    trials, epsilon = 40_000, 0.4
    values = np.tile([3.0, 2.0, 1.0, -np.inf], (trials, 1))
    choice = epsilon_greedy(values, 2, epsilon, np.random.default_rng(0))
    best = epsilon / 3 + 1 - epsilon
    for first, chance in ((0, best), (1, epsilon / 3), (2, epsilon / 3)):
        chosen = choice.columns[:, 0] == first
        assert chosen.mean() == pytest.approx(chance, abs=0.01)
        np.testing.assert_allclose(choice.propensities[chosen, 0], chance)
    # The second place, given the first.
    after_best = choice.columns[:, 0] == 0
    second = choice.columns[after_best, 1]
    assert (second == 1).mean() == pytest.approx(1 - epsilon / 2, abs=0.01)
    np.testing.assert_allclose(choice.propensities[after_best, 1][second == 1], 1 - epsilon / 2)
    np.testing.assert_allclose(choice.propensities[after_best, 1][second == 2], epsilon / 2)


def test_no_epsilon_is_the_ranking() -> None:
    items = np.array([[4, 2, 9, 0]], np.int32)
    choice = EpsilonGreedy(0.0).choose(items, 3, np.random.default_rng(0))
    assert choice.columns.tolist() == [[0, 1, 2]]
    assert (choice.propensities == 1).all()


def test_thompson_propensities_estimate_how_often_an_item_is_chosen() -> None:
    bandit = Thompson(SIZE, draws=200)
    bandit.update(np.array([1, 1, 1, 2, 2, 3], np.int32), np.array([1.0, 1, 0, 1, 0, 0]))
    items = np.tile(np.array([1, 2, 3], np.int32), (300, 1))
    choice = bandit.choose(items, 1, np.random.default_rng(0))
    often = np.bincount(choice.columns[:, 0], minlength=3) / len(items)
    # What Beta(3, 2), Beta(2, 2) and Beta(1, 2) say, by a million draws.
    rng = np.random.default_rng(1)
    draws = rng.beta([3, 2, 1], [2, 2, 2], size=(1_000_000, 3)).argmax(axis=1)
    truth = np.bincount(draws) / len(draws)
    np.testing.assert_allclose(often, truth, atol=0.08)
    for column in range(3):
        found = choice.propensities[choice.columns[:, 0] == column, 0]
        assert found.mean() == pytest.approx(truth[column], abs=0.03)


@pytest.mark.parametrize("policy", ["thompson", "linucb"])
def test_what_is_rewarded_is_chosen_more_and_more(policy: str) -> None:
    bandit = make(policy, epsilon=0.1, alpha=0.5)
    rng = np.random.default_rng(0)
    chances = rng.random(SIZE)
    if policy == "linucb":
        # A reward that the vectors tell of.
        chances = 0.5 + 0.4 * CATALOGUE.vectors[:, 0]
    chances[0] = 0
    pool = np.arange(1, 11, dtype=np.int32)[None]
    earned = []
    for _ in range(400):
        [column] = bandit.choose(pool, 1, rng).columns[0]
        item = pool[0, column]
        earned.append(chances[item])
        bandit.update(np.array([item]), np.array([float(rng.random() < chances[item])]))
    late, chance = np.mean(earned[200:]), chances[pool[0]].mean()
    assert late > chance + 0.5 * (chances[pool[0]].max() - chance)


@pytest.mark.parametrize("policy", POLICIES)
def test_state_comes_back_as_tensors(policy: str) -> None:
    one, other = make(policy), make(policy)
    one.update(np.array([1, 5], np.int32), np.array([1.0, 0.25]))
    other.restore(one.tensors())
    pool = np.arange(1, 21, dtype=np.int32)[None]
    chosen = [b.choose(pool, 8, np.random.default_rng(3)).columns.tolist() for b in (one, other)]
    assert chosen[0] == chosen[1]
    for name in one.tensors():
        with pytest.raises(InputError):
            other.restore(one.tensors() | {name: np.ones(3)})


def test_before_anything_is_known_linucb_keeps_the_order() -> None:
    bandit = LinUCB(CATALOGUE.vectors, alpha=1.0, epsilon=0.0)
    pool = np.array([[9, 3, 20, 7]], np.int32)
    assert bandit.choose(pool, 4, np.random.default_rng(0)).columns.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_stage_explores_the_page_and_leaves_the_rest(policy: str) -> None:
    exploring = {"policy": policy, "epsilon": 1.0, "top": 6}
    plain = ranker(paging={"depth": 12}).recommend(users=["p0", "p1"], k=3)
    answers = ranker(paging={"depth": 12}, exploration=exploring)
    found = answers.recommend(users=["p0", "p1"], k=3)
    for before, after in zip(
        plain.trace.records[-1].lists.items.padded().tolist(),
        found.trace.records[-1].lists.items.padded().tolist(),
        strict=True,
    ):
        assert sorted(before[:6]) == sorted(after[:6])
        assert after[3:6] == [item for item in before[:6] if item not in after[:3]]
        assert after[6:] == before[6:]
    chances = found.trace.records[-1].lists.propensities.reshape(2, -1)
    assert (chances[:, :3] < 1).all()
    assert (chances[:, 3:] == 1).all()


def test_linucb_needs_vectors_and_rewards_must_be_shares() -> None:
    config = RankingConfig.parse({"exploration": {"policy": "linucb"}})
    with pytest.raises(ConfigError):
        RankingPipeline(config, Catalogue.of(MODEL, DATA.items), MODEL)
    for reward in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError):
            make("thompson").update(np.array([1], np.int32), np.array([reward]))
    with pytest.raises(InputError):
        make("linucb").update(np.array([SIZE], np.int32), np.array([1.0]))
