"""Paired tests: right on cases with a known answer, refused where they would mislead."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
from scipy import stats

from foretaste.errors import InputError
from foretaste.evaluation import EvaluationReport, compare, evaluate
from foretaste.evaluation.significance import permutation_p_values
from tests.evaluation.small import TableModel, shop

SPLIT = shop().split("item-cold")


def report_of(seed: int, **settings: object) -> EvaluationReport:
    model = TableModel(seed=seed).fit(SPLIT.train)
    return evaluate(model, SPLIT, resamples=100, **settings)  # type: ignore[arg-type]


FIRST, SECOND = report_of(0), report_of(1)


def with_values(report: EvaluationReport, values: np.ndarray) -> EvaluationReport:
    users = pl.Series("user_id", np.arange(len(values)))
    return replace(report, per_user=pl.DataFrame([users, pl.Series("NDCG@10", values)]))


def test_a_report_does_not_differ_from_itself() -> None:
    for difference in compare(FIRST, FIRST, resamples=200).differences:
        assert difference.p_value == 1
        assert (difference.better, difference.worse, difference.effect) == (0, 0, None)
        found = difference.difference
        assert (found.value, found.low, found.high) == (0, 0, 0)


def test_means_and_people_are_those_of_the_reports() -> None:
    comparison = compare(FIRST, SECOND, resamples=200)
    assert (comparison.first, comparison.second) == ("table", "table")
    assert comparison.fingerprint == SPLIT.fingerprint
    found = {difference.metric: difference for difference in comparison.differences}
    for name in ("NDCG@10", "Novelty@10", "cold_only/NDCG@10"):
        group, _, metric = name.rpartition("/")
        expected = [report.metric(metric, group or "all").value for report in (FIRST, SECOND)]
        assert [found[name].first, found[name].second] == pytest.approx(expected)
        assert found[name].difference.value == pytest.approx(expected[1] - expected[0])
        assert found[name].users == FIRST.users
    assert not [name for name in found if name.startswith(("Coverage", "Gini", "Popularity"))]


def test_the_other_way_round_is_the_mirror_image() -> None:
    there = compare(FIRST, SECOND, metrics=["NDCG@10"], resamples=500).differences[0]
    back = compare(SECOND, FIRST, metrics=["NDCG@10"], resamples=500).differences[0]
    assert back.p_value == there.p_value
    assert back.difference.value == pytest.approx(-there.difference.value)
    assert back.difference.low == pytest.approx(-there.difference.high)
    assert (back.better, back.worse) == (there.worse, there.better)
    assert back.effect == pytest.approx(-(there.effect or 0))


def test_few_people_have_the_exact_p_value() -> None:
    differences = np.array([0.3, 0.1, -0.05, 0.2, 0.0, 0.15])
    sums = [np.dot(signs, differences) for signs in product([-1, 1], repeat=6)]
    exact = np.mean(np.abs(sums) >= abs(differences.sum()) - 1e-12)
    ours = permutation_p_values(differences[:, None], resamples=20_000, seed=0)[0]
    assert ours == pytest.approx(exact, abs=0.01)


def test_p_value_is_scipys_on_many() -> None:
    rng = np.random.default_rng(3)
    differences = rng.normal(0.15, 1, 120)
    theirs = stats.permutation_test(
        (differences, np.zeros(120)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=5000,
        rng=0,
    ).pvalue
    ours = permutation_p_values(differences[:, None], resamples=5000, seed=0)[0]
    assert 0.01 < ours < 0.5
    assert ours == pytest.approx(theirs, abs=0.03)


def test_equal_models_differ_as_often_as_chance_says() -> None:
    differences = np.random.default_rng(5).normal(size=(60, 400))
    p_values = permutation_p_values(differences, resamples=500, seed=0)
    assert 0.02 < np.mean(p_values < 0.05) < 0.09
    assert p_values.mean() == pytest.approx(0.5, abs=0.06)
    assert p_values.min() > 0


def test_a_clear_difference_is_found_and_its_size_told() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(300)
    first = with_values(FIRST, values)
    second = with_values(SECOND, values + rng.normal(0.1, 0.2, 300))
    found = compare(first, second, resamples=1000).differences[0]
    assert found.p_value == pytest.approx(1 / 1001)
    assert found.difference.low > 0.05
    assert found.effect == pytest.approx(0.5, abs=0.15)
    assert found.better > 0.6
    assert found.better + found.worse == pytest.approx(1)


def test_people_without_a_value_in_either_do_not_count() -> None:
    first = with_values(FIRST, np.array([1.0, np.nan, 0.5, 0.0]))
    second = with_values(SECOND, np.array([0.0, 1.0, np.nan, 1.0]))
    nulls = [replace(report, per_user=report.per_user.fill_nan(None)) for report in (first, second)]
    found = compare(*nulls, resamples=100).differences[0]
    assert (found.users, found.first, found.second) == (2, 0.5, 0.5)
    nobody = with_values(SECOND, np.array([np.nan, 1.0, np.nan, np.nan]))
    assert compare(first, nobody, resamples=100).differences == ()


def test_same_seed_same_answer() -> None:
    assert compare(FIRST, SECOND, resamples=100) == compare(FIRST, SECOND, resamples=100)
    assert compare(FIRST, SECOND, resamples=100, seed=1) != compare(FIRST, SECOND, resamples=100)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"fingerprint": "f" * 64}, "fingerprint"),
        ({"part": "validation"}, "part"),
        ({"exclude_seen": False}, "exclude_seen"),
        ({"per_user": FIRST.per_user[1:]}, "user_id"),
    ],
)
def test_reports_of_different_questions_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        compare(FIRST, replace(SECOND, **change))  # type: ignore[arg-type]
    assert caught.value.field == field


def test_metrics_that_are_not_in_both_are_refused() -> None:
    with pytest.raises(InputError, match="'Coverage@10'") as caught:
        compare(FIRST, SECOND, metrics=["NDCG@10", "Coverage@10"])
    assert "NDCG@10" in (caught.value.hint or "")


def test_as_text_and_json() -> None:
    comparison = compare(FIRST, SECOND, metrics=["NDCG@10"], resamples=100)
    assert "p = " in str(comparison)
    assert SPLIT.fingerprint[:12] in str(comparison)
    values = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert values["differences"][0]["metric"] == "NDCG@10"
    assert values["differences"][0]["difference"].keys() == {"value", "low", "high"}
