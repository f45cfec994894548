"""Estimates against policies whose worth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from foretaste.data.shop import ShopConfig, generate
from foretaste.errors import InputError
from foretaste.evaluation import LoggedFeedback, judge
from foretaste.ranking.exploration.bandits import epsilon_greedy

ACTIONS = 6


class World:
    """People who like actions by a known chance, a logging policy and another to judge."""

    def __init__(self, seed: int, people: int) -> None:
        rng = np.random.default_rng(seed)
        self.likes = rng.random((people, ACTIONS)) * 0.8
        noisy = self.likes + rng.normal(0, 0.5, self.likes.shape)
        choice = epsilon_greedy(noisy, 1, 0.4, rng)
        self.chosen, self.logging = choice.columns[:, 0], choice.propensities[:, 0]
        # The target prefers what is liked, and leaves a little to chance.
        self.policy = 0.9 * (self.likes == self.likes.max(axis=1, keepdims=True)) + 0.1 / ACTIONS
        self.truth = float((self.policy * self.likes).sum(axis=1).mean())
        self.rows = np.arange(people)
        self.rewards = (rng.random(people) < self.likes[self.rows, self.chosen]).astype(float)

    def feedback(self, predictions: np.ndarray | None = None) -> LoggedFeedback:
        target = self.policy[self.rows, self.chosen]
        if predictions is None:
            return LoggedFeedback(self.rewards, self.logging, target)
        expected = (self.policy * predictions).sum(axis=1)
        predicted = predictions[self.rows, self.chosen]
        return LoggedFeedback(self.rewards, self.logging, target, predicted, expected)


def test_the_truth_is_within_the_intervals_as_often_as_they_say() -> None:
    inside: dict[str, list[bool]] = {"IPS": [], "SNIPS": [], "DR": []}
    for seed in range(40):
        world = World(seed, people=1500)
        report = judge(world.feedback(world.likes + 0.1), resamples=200, seed=seed)
        for name, found in inside.items():
            estimate = report.estimates[name]
            found.append(estimate.low <= world.truth <= estimate.high)
    for name, found in inside.items():
        assert np.mean(found) >= 0.85, name


def test_estimates_are_right_on_average_and_what_was_logged_is_not() -> None:
    errors: dict[str, list[float]] = {"IPS": [], "SNIPS": [], "DR": [], "logged": []}
    for seed in range(60):
        world = World(seed, people=800)
        report = judge(world.feedback(world.likes), resamples=100)
        for name, found in errors.items():
            found.append(report.estimates[name].value - world.truth)
    for name in ("IPS", "SNIPS", "DR"):
        standard_error = np.std(errors[name]) / np.sqrt(len(errors[name]))
        assert abs(np.mean(errors[name])) < 3 * standard_error + 0.003, name
    assert np.mean(errors["logged"]) < -0.1
    # The better informed, the surer.
    spread = {name: np.std(found) for name, found in errors.items()}
    assert spread["DR"] < spread["SNIPS"] < spread["IPS"]


def test_doubly_robust_is_right_if_either_side_is() -> None:
    world = World(3, people=30_000)
    bad_model = np.full_like(world.likes, 0.9)
    assert judge(world.feedback(bad_model), resamples=100).estimates["DR"].value == pytest.approx(
        world.truth, abs=0.02
    )
    feedback = world.feedback(world.likes)
    wrong = LoggedFeedback(
        feedback.rewards,
        np.clip(feedback.logging * 2, 0, 1),
        feedback.target,
        feedback.predicted,
        feedback.expected,
    )
    report = judge(wrong, resamples=100)
    assert report.estimates["DR"].value == pytest.approx(world.truth, abs=0.02)
    assert report.estimates["IPS"].value < world.truth - 0.05


def test_the_definitions() -> None:
    feedback = LoggedFeedback(
        rewards=np.array([1.0, 0.0, 1.0, 0.5]),
        logging=np.array([0.5, 0.5, 0.1, 0.2]),
        target=np.array([0.5, 0.25, 0.8, 0.0]),
        predicted=np.array([0.5, 0.5, 0.5, 0.5]),
        expected=np.array([0.6, 0.6, 0.6, 0.6]),
    )
    values = {name: e.value for name, e in judge(feedback).estimates.items()}
    weights = np.array([1, 0.5, 8, 0])
    assert values["IPS"] == pytest.approx(9 / 4)
    assert values["SNIPS"] == pytest.approx(9 / 9.5)
    assert values["DR"] == pytest.approx(0.6 + (weights @ [0.5, -0.5, 0.5, 0]) / 4)
    assert values["logged"] == pytest.approx(2.5 / 4)
    cut = judge(feedback, clip=2)
    assert cut.estimates["IPS"].value == pytest.approx(3 / 4)
    assert (cut.clip, cut.clipped) == (2, 0.25)
    assert cut.effective == pytest.approx(3.5**2 / 5.25)
    assert "25.0% cut at 2" in str(cut)
    assert "no weight cut" in str(judge(feedback))
    assert json.loads(json.dumps(cut.to_dict()))["estimates"]["IPS"]["value"] == 0.75


def test_a_policy_that_logged_itself_is_worth_what_it_earned() -> None:
    rng = np.random.default_rng(0)
    rewards, chances = rng.random(50), rng.uniform(0.1, 1, 50)
    report = judge(LoggedFeedback(rewards, chances, chances))
    for name in ("IPS", "SNIPS"):
        assert report.estimates[name].value == pytest.approx(rewards.mean())
    assert report.effective == pytest.approx(50)


def test_self_normalised_moves_with_the_rewards() -> None:
    world = World(1, people=500)
    feedback = world.feedback()
    moved = LoggedFeedback(feedback.rewards + 5, feedback.logging, feedback.target)
    low, high = (judge(f).estimates for f in (feedback, moved))
    assert high["SNIPS"].value - low["SNIPS"].value == pytest.approx(5)
    assert abs(high["IPS"].value - low["IPS"].value - 5) > 0.01


def test_in_the_generated_shop() -> None:
    """Logged by trying out items; judged is a policy that knows what people like."""
    shop = generate(ShopConfig(items=200, people=3000, seed=1))
    rng = np.random.default_rng(0)
    users = np.arange(1, 3001)
    pools = np.stack([rng.choice(200, 8, replace=False) + 1 for _ in users])
    liking = shop.truth.preference(users[:, None], pools).astype(np.float64)
    chance = 1 / (1 + np.exp(-liking))
    popularity = shop.dataset.item_counts[pools].astype(np.float64)
    choice = epsilon_greedy(popularity, 1, 0.5, rng)
    chosen = choice.columns[:, 0]
    rows = np.arange(len(users))
    target = (liking == liking.max(axis=1, keepdims=True)).astype(np.float64)
    truth = float(chance[target.astype(bool)].mean())
    rewards = (rng.random(len(users)) < chance[rows, chosen]).astype(np.float64)
    report = judge(LoggedFeedback(rewards, choice.propensities[:, 0], target[rows, chosen]))
    snips = report.estimates["SNIPS"]
    assert snips.low <= truth <= snips.high
    assert report.estimates["IPS"].low <= truth <= report.estimates["IPS"].high
    assert report.estimates["logged"].high < truth


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"logging": [0.0, 1.0]}, "logging"),
        ({"logging": [1.1, 1.0]}, "logging"),
        ({"target": [-0.1, 1.0]}, "target"),
        ({"rewards": [np.nan, 1.0]}, "rewards"),
        ({"logging": [1.0]}, "logging"),
        ({"predicted": [1.0, 1.0]}, "expected"),
        ({"rewards": [], "logging": [], "target": []}, "rewards"),
    ],
)
def test_logs_that_make_no_sense(change: dict[str, list[float]], field: str) -> None:
    plain = {"rewards": [0.0, 1.0], "logging": [0.5, 1.0], "target": [0.5, 1.0]} | change
    with pytest.raises(InputError) as raised:
        LoggedFeedback(**{name: np.array(values) for name, values in plain.items()})
    assert raised.value.field == field


def test_a_clip_is_above_zero() -> None:
    ones = np.ones(3)
    with pytest.raises(InputError):
        judge(LoggedFeedback(ones, ones, ones), clip=0)
