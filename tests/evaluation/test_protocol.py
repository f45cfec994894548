"""`evaluate` against a slow evaluation, person by person, by definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foretaste.data import Dataset, Split, Targets
from foretaste.errors import DataError, InputError
from foretaste.evaluation import EvaluationReport, evaluate
from foretaste.evaluation.protocol import reachable
from foretaste.models.popularity import Popularity
from tests.conftest import shared_data
from tests.evaluation.small import TableModel, shop

KINDS = ("leave-one-out", "temporal", "random", "item-cold")
RESAMPLES = 100


def fitted(kind: str = "temporal", seed: int = 0) -> tuple[TableModel, Split]:
    split = shop(seed).split(kind)
    return TableModel(seed=seed).fit(split.train), split


def report_of(kind: str = "temporal", **settings: object) -> EvaluationReport:
    model, split = fitted(kind)
    return evaluate(model, split, resamples=RESAMPLES, **settings)  # type: ignore[arg-type]


def slow_list(scores: np.ndarray, among: set[int], k: int) -> list[int]:
    return sorted(among, key=lambda item: (-scores[item], item))[:k]


def slow_values(found: list[int], wanted: set[int], k: int) -> dict[str, float]:
    places = [place for place, item in enumerate(found, start=1) if item in wanted]
    gain = sum(1 / np.log2(place + 1) for place in places)
    ideal = sum(1 / np.log2(place + 1) for place in range(1, min(k, len(wanted)) + 1))
    return {
        f"NDCG@{k}": gain / ideal,
        f"Recall@{k}": len(places) / len(wanted),
        f"Precision@{k}": len(places) / k,
        f"HR@{k}": float(bool(places)),
        f"MRR@{k}": 1 / places[0] if places else 0.0,
        f"MAP@{k}": sum(n / place for n, place in enumerate(places, start=1)) / len(wanted),
    }


def slow_evaluation(
    model: TableModel, split: Split, group: str, k: int, exclude_seen: bool
) -> dict[object, dict[str, float]]:
    """User id -> values, for the people with a target of the group."""
    catalogue = set(range(1, model.item_vocabulary.size))
    cold = {item for item in catalogue if split.train.item_counts[item] == 0}
    targets_of = {"all": catalogue, "warm": catalogue - cold, "cold": cold, "cold_only": cold}
    values: dict[object, dict[str, float]] = {}
    for row, user in enumerate(split.train.user_vocabulary.decode(split.test.users)):
        history = split.test.histories[row]
        seen = set(history.tolist()) if exclude_seen else set()
        wanted = (set(split.test.items[row].tolist()) & targets_of[group]) - seen
        if not wanted:
            continue
        scores = model.table[history[-1]] if len(history) else split.train.item_counts
        among = (cold if group == "cold_only" else catalogue) - seen
        values[user] = slow_values(slow_list(scores, among, k), wanted, k)
    return values


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_accuracy_of_every_group_equals_the_definition(kind: str, exclude_seen: bool) -> None:
    model, split = fitted(kind)
    report = evaluate(model, split, ks=(3, 10), exclude_seen=exclude_seen, resamples=RESAMPLES)

    for group, figures in report.groups.items():
        for k in (3, 10):
            expected = slow_evaluation(model, split, group, k, exclude_seen)
            assert figures.users == len(expected)
            prefix = "" if group == "all" else f"{group}/"
            for name in next(iter(expected.values())):
                column = report.per_user.select("user_id", prefix + name).drop_nulls()
                assert column["user_id"].to_list() == list(expected)
                slow = [values[name] for values in expected.values()]
                np.testing.assert_allclose(column[prefix + name], slow)
                assert figures.metrics[name].value == pytest.approx(np.mean(slow))
    assert report.metric("NDCG@10").value > 0


def test_item_cold_split_has_cold_targets_alone() -> None:
    assert list(report_of("item-cold").groups) == ["all", "cold", "cold_only"]


def test_warm_and_cold_share_the_targets_out() -> None:
    events = shop().events.vstack(
        pl.DataFrame({"user_id": [1, 2, 2], "item_id": [31, 32, 3], "timestamp": [900, 901, 902]})
    )
    split = Dataset.from_tables(events, shop().items).split("temporal")
    groups = evaluate(TableModel().fit(split.train), split, resamples=RESAMPLES).groups
    assert list(groups) == ["all", "warm", "cold", "cold_only"]
    assert groups["warm"].targets + groups["cold"].targets == groups["all"].targets
    assert (groups["cold"].users, groups["cold"].targets) == (2, 2)
    assert (groups["cold_only"].users, groups["cold_only"].targets) == (2, 2)
    cold = int((split.train.item_counts[1:] == 0).sum())
    assert [group.items for group in groups.values()] == [35, 35 - cold, cold, cold]


def test_without_cold_targets_there_are_no_groups() -> None:
    split = shop(events=4000).split("leave-one-out")
    report = evaluate(TableModel().fit(split.train), split, resamples=RESAMPLES)
    assert list(report.groups) == ["all"]
    assert not [name for name in report.per_user.columns if "/" in name]


def test_targets_already_seen_are_left_out_and_counted() -> None:
    model, split = fitted("temporal")
    report = evaluate(model, split, resamples=RESAMPLES)
    seen, gone = 0, 0
    for row in range(len(split.test)):
        again = set(split.test.items[row].tolist()) & set(split.test.histories[row].tolist())
        seen += len(again)
        gone += len(again) == len(split.test.items[row])
    assert (report.unreachable_targets, report.users_without_targets) == (seen, gone)
    assert seen > 0
    assert gone > 0
    assert report.users == len(split.test) - gone
    assert report.groups["all"].targets == len(split.test.items.values) - seen
    assert f"{seen:,} targets already in the history" in str(report)
    kept = evaluate(model, split, exclude_seen=False, resamples=RESAMPLES)
    assert (kept.unreachable_targets, kept.users_without_targets) == (0, 0)
    assert "already in the history" not in str(kept)


def test_reachable_keeps_the_order_of_what_is_left() -> None:
    targets = shop().split("temporal").test
    left = reachable(targets)
    rows = {int(user): row for row, user in enumerate(targets.users)}
    for place, user in enumerate(left.users):
        row = rows[int(user)]
        history = targets.histories[row].tolist()
        assert left.histories[place].tolist() == history
        expected = [item for item in targets.items[row].tolist() if item not in history]
        assert left.items[place].tolist() == expected


@pytest.mark.parametrize("kind", ["temporal", "item-cold"])
def test_exposure_equals_the_definition(kind: str) -> None:
    model, split = fitted(kind)
    report = evaluate(model, split, ks=(4,), resamples=RESAMPLES)
    lists = model.rank(reachable(split.test).histories, 4).items
    counts = np.bincount(lists.ravel(), minlength=model.item_vocabulary.size)[1:]
    assert report.metric("Coverage@4").value == pytest.approx(np.mean(counts > 0))
    pairs = np.abs(counts[:, None] - counts[None, :]).mean()
    assert report.metric("Gini@4").value == pytest.approx(pairs / (2 * counts.mean()))
    cold = split.train.item_counts[1:] == 0
    if "cold" in report.groups:
        assert report.metric("Coverage@4", "cold").value == pytest.approx(np.mean(counts[cold] > 0))
    curve = np.array(report.exposure_curve)
    assert (curve[0], curve[-1], len(curve)) == (0.0, 1.0, 101)
    assert (np.diff(curve) >= 0).all()


def test_popularity_lift_is_a_ratio_of_means() -> None:
    model, split = fitted("leave-one-out")
    report = evaluate(model, split, ks=(4,), resamples=RESAMPLES)
    counts = split.train.item_counts
    targets = reachable(split.test)
    lists = model.rank(targets.histories, 4).items
    before = np.mean([counts[targets.histories[row]].mean() for row in range(len(targets))])
    assert report.metric("PopularityLift@4").value == pytest.approx(counts[lists].mean() / before)


def test_popularity_is_never_serendipitous() -> None:
    model, split = fitted("temporal")
    popularity = evaluate(Popularity().fit(split.train), split, resamples=RESAMPLES)
    assert popularity.metric("HR@10").value > 0
    assert popularity.metric("Serendipity@10").value == 0
    again = evaluate(Popularity().fit(split.train), split, exclude_seen=False, resamples=RESAMPLES)
    assert again.metric("PopularityLift@10").value > 1
    assert evaluate(model, split, resamples=RESAMPLES).metric("Serendipity@10").value > 0


def test_lists_longer_than_the_catalogue() -> None:
    report = report_of(ks=(500,))
    assert report.metric("Recall@500").value == 1
    assert report.metric("Coverage@500").value == 1
    assert report.metric("UserCoverage@500").value == 0
    assert report.metric("Precision@500").value < 0.02


def test_diversity_of_categories_of_given_vectors_and_of_none() -> None:
    model, split = fitted()
    size = model.item_vocabulary.size
    by_category = evaluate(model, split, resamples=RESAMPLES).metric("Diversity@10").value
    assert 0 < by_category < 1
    alike = evaluate(model, split, vectors=np.ones((size, 2), np.float32), resamples=RESAMPLES)
    assert alike.metric("Diversity@10").value == pytest.approx(0, abs=1e-6)
    bare = replace(split, train=replace(split.train, items=split.train.items.drop("categories")))
    names = evaluate(model, bare, resamples=RESAMPLES).groups["all"].metrics
    assert "Diversity@10" not in names
    assert "Novelty@10" in names


def test_same_seed_same_figures_and_values_do_not_depend_on_it() -> None:
    first, second, other = report_of(seed=1), report_of(seed=1), report_of(seed=2)
    assert first.groups == second.groups
    assert first.per_user.equals(second.per_user)
    assert other.groups != first.groups
    for name, estimate in other.groups["all"].metrics.items():
        assert estimate.value == first.metric(name).value


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_hold_the_figures(kind: str) -> None:
    for group in report_of(kind).groups.values():
        for name, estimate in group.metrics.items():
            assert estimate.low <= estimate.value + 1e-12, name
            assert estimate.value <= estimate.high + 1e-12, name


def test_report_says_what_was_measured() -> None:
    model, split = fitted("random")
    report = evaluate(model, split, part="validation", ks=[10, 5, 10], resamples=RESAMPLES)
    assert (report.model, report.split, report.part) == ("table", "random", "validation")
    assert report.fingerprint == split.fingerprint
    assert report.ks == (5, 10)
    assert report.users == len(report.per_user) == len(reachable(split.validation))
    assert report.seconds > 0


def test_people_without_a_history_are_answered_too() -> None:
    events = pl.DataFrame(
        {"user_id": [1, 1, 1, 2, 2, 3, 4], "item_id": [1, 2, 3, 1, 3, 4, 3]}
    ).with_row_index("timestamp")
    split = Dataset.from_tables(events).split("temporal", validation=0.2, test=0.2)
    assert 0 in split.test.histories.lengths
    report = evaluate(TableModel().fit(split.train), split, ks=(2,), resamples=RESAMPLES)
    assert report.users == len(split.test)
    assert "PopularityLift@2" not in report.groups["all"].metrics


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"ks": ()}, "ks"),
        ({"ks": (0, 5)}, "ks"),
        ({"resamples": 10}, "resamples"),
        ({"part": "train"}, "part"),
        ({"vectors": np.ones((3, 2), np.float32)}, "vectors"),
        ({"vectors": np.ones(36, np.float32)}, "vectors"),
    ],
)
def test_wrong_arguments_are_refused(settings: dict[str, object], field: str) -> None:
    model, split = fitted()
    with pytest.raises(InputError) as caught:
        evaluate(model, split, **settings)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_a_model_of_other_items_is_refused() -> None:
    model, _ = fitted()
    other = shop(items=20).split("temporal")
    with pytest.raises(InputError, match="other items"):
        evaluate(model, other)


def test_nothing_left_to_foresee_is_an_error() -> None:
    model, split = fitted()
    targets = split.test
    seen = Targets(targets.users, targets.items, targets.items)
    with pytest.raises(DataError, match="already in the person's history") as caught:
        evaluate(model, replace(split, test=seen))
    assert "exclude_seen" in (caught.value.hint or "")


@pytest.mark.slow
def test_popularity_on_real_data() -> None:
    events = pl.read_csv(
        shared_data("ml-100k") / "u.data",
        separator="\t",
        has_header=False,
        new_columns=["user_id", "item_id", "event_value", "timestamp"],
    ).with_columns(pl.col("timestamp") * 1000)
    split = Dataset.from_tables(events).split("leave-one-out")
    report = evaluate(Popularity().fit(split.train), split)
    assert report.users == 943
    assert 0.02 < report.metric("NDCG@10").value < 0.05
    assert report.metric("NDCG@10").low < report.metric("NDCG@10").high
