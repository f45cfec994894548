from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from foretaste.errors import InputError
from foretaste.evaluation.interest import InterestReport, answer_of, evaluate_interest
from foretaste.evaluation.interest_comparison import AUCDifference, compare_interest
from foretaste.models.interest import Goal
from tests.models.interest import worlds

GOAL = Goal()


def report(name: str, said: np.ndarray, labels: np.ndarray, people: np.ndarray) -> InterestReport:
    answers = pl.DataFrame({"user_id": people, "label": labels, answer_of("streaming", GOAL): said})
    histories = {"streaming": {"auc": 0.5}}
    return InterestReport(name, "temporal", "f" * 64, len(said), 0.5, histories, (GOAL,), answers)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    people, truth = rng.integers(0, 60, 900), rng.random(900)
    return people, (rng.random(900) < truth).astype(np.float32), truth.astype(np.float32)


def test_figures_under_weights_are_those_of_scikit_learn(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    people, labels, truth = drawn
    rounded = truth.round(1)  # with many ties
    rng = np.random.default_rng(1)
    weights = np.stack([np.bincount(rng.integers(0, 60, 60), minlength=60) for _ in range(4)])
    found = AUCDifference(people, labels, (rounded, truth))(weights.astype(float))
    for row, weight in zip(found, weights, strict=True):
        each = weight[people]
        first = roc_auc_score(labels, rounded, sample_weight=each)
        second = roc_auc_score(labels, truth, sample_weight=each)
        np.testing.assert_allclose(row, [first, second, second - first], atol=1e-12)


def test_a_better_model_is_seen_to_be_better_and_an_equal_one_equal(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    people, labels, truth = drawn
    noise = np.random.default_rng(2).random(len(truth)).astype(np.float32)
    worse = report("worse", (truth + noise) / 2, labels, people)
    better = report("better", truth, labels, people)
    found = compare_interest(worse, better, resamples=200)
    auc, loss = found.differences
    assert (auc.figure, loss.figure) == ("auc", "log_loss")
    assert auc.pairs == 900
    assert auc.second.value == pytest.approx(roc_auc_score(labels, truth))
    assert loss.second.value == pytest.approx(log_loss(labels, truth), rel=1e-5)
    assert 0 < auc.difference.low < auc.difference.value < auc.difference.high
    assert loss.difference.high < 0
    same = compare_interest(better, better, resamples=50).differences[0]
    assert (same.difference.low, same.difference.high) == (0, 0)
    assert "better" in str(found)
    # The same draws come again.
    assert compare_interest(worse, better, resamples=200) == found


def test_other_pairs_are_refused(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    people, labels, truth = drawn
    one = report("one", truth, labels, people)
    with pytest.raises(InputError, match="different pairs"):
        compare_interest(one, replace(one, fingerprint="0" * 64))
    with pytest.raises(InputError, match="different goals"):
        compare_interest(one, replace(one, goals=(Goal("cart"),)))
    with pytest.raises(InputError, match="no history"):
        compare_interest(one, replace(one, histories={"train": {}}))


def test_every_goal_is_compared_by_what_it_is() -> None:
    parts = worlds.goals_parts(800)
    goals = {"goals": worlds.GOALS}
    training = worlds.QUICK | {"epochs": 1}
    first, second = (
        evaluate_interest(
            worlds.model(
                "mlp", question=goals, refit=False, seed=seed, body={"training": training}
            ).fit(parts.train, parts.validation),
            parts,
            histories=("train",),
        )
        for seed in (0, 1)
    )
    assert {"click: auc", "buy: log_loss", "stars: rmse"} <= set(first.histories["train"])
    found = compare_interest(first, second, resamples=50)
    assert [(d.goal, d.figure) for d in found.differences] == [
        ("click", "auc"),
        ("click", "log_loss"),
        ("buy", "auc"),
        ("buy", "log_loss"),
        ("stars", "mae"),
    ]
    stars = found.differences[-1]
    assert stars.pairs == parts.test.events["label:stars"].count() < len(parts.test)
    assert stars.first.value == pytest.approx(first.histories["train"]["stars: mae"])
