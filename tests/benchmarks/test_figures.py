import pytest

from figures import (
    at_least,
    at_most,
    best_metric,
    done,
    median_figure,
    one_split,
    seconds_to_reach,
)

CURVE = [
    {"seconds": 2.0, "metric": 0.1},
    {"seconds": 3.0, "metric": 0.3},
    {"seconds": 4.0, "metric": 0.2},
]


def record(model="ours", status="done", ndcg=0.5, split="a"):
    metrics = {"NDCG@10": {"value": ndcg}}
    return {
        "cell": {"model": model, "data": "shop"},
        "status": status,
        "split_fingerprint": split,
        "report": {"groups": {"all": {"metrics": metrics}}},
    }


def test_time_to_a_goal_is_the_training_up_to_the_first_epoch_there():
    assert seconds_to_reach(CURVE, 0.1) == 2.0
    assert seconds_to_reach(CURVE, 0.15) == 5.0
    assert seconds_to_reach(CURVE, best_metric(CURVE)) == 5.0
    assert seconds_to_reach(CURVE, 0.31) is None


def test_a_spent_budget_counts_as_measured_and_a_killed_cell_does_not():
    records = [
        record(ndcg=0.1),
        record(ndcg=0.3, status="done at its budget of 45 minutes"),
        record(ndcg=0.2),
        record(status="stopped at its budget of 45 minutes"),
        record("peer", ndcg=0.9),
    ]
    assert len(done(records, model="ours")) == 3
    assert median_figure(records, model="ours", data="shop") == 0.2
    assert median_figure(records, model="nobody") is None


def test_nothing_measured_meets_no_target():
    assert not at_least("a", 0.0, None)["met"]
    assert not at_least("a", 0.0, 0.0)["met"]
    assert not at_most("a", 1.0, None)["met"]


def test_a_target_is_met_at_its_mark():
    assert at_least("a", 0.2, 0.2) == {"name": "a", "wanted": ">= 0.2000", "got": 0.2, "met": True}
    assert at_most("a", 3.0, 3.001, digits=2)["met"] is False
    assert at_most("a", 3.0, 3.0)["met"]


def test_figures_of_different_splits_are_not_compared():
    assert one_split([record(), record("peer")], data="shop") == "a"
    with pytest.raises(ValueError, match="2 splits"):
        one_split([record(), record("peer", split="b")], data="shop")
