import numpy as np
import polars as pl
import pytest

from foretaste.data import Dataset
from foretaste.data.shop import ShopConfig, generate
from studies import next_action

TINY = {"dimension": 8, "layers": 1, "training": {"epochs": 1}}


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return generate(ShopConfig(items=200, people=300)).dataset


def test_targets_are_what_was_bought_afterwards(shop: Dataset) -> None:
    targets = next_action.purchases_after(shop, 0.9, 1.0)
    since = next_action.moment(shop, 0.9)
    late = shop.events.filter((pl.col("timestamp") >= since) & (pl.col("event_type") == "purchase"))
    assert late.select("user_id", "item_id").n_unique() == len(targets.items.values)
    assert late["user_id"].n_unique() == len(targets)
    row = int(np.argmax(targets.histories.lengths))
    [person] = shop.user_vocabulary.decode(targets.users[[row]])
    own = shop.events.filter((pl.col("user_id") == person) & (pl.col("timestamp") < since))
    assert shop.item_vocabulary.decode(targets.histories[row]).equals(own["item_id"])


def test_questions_end_at_their_event_and_ask_for_the_next(shop: Dataset) -> None:
    asked, truth, last = next_action.questions(shop, seed=0)
    ends = asked.group_by("position", maintain_order=True).last()
    assert ends["event_type"].to_list() == last
    assert (ends["next_type"] == "purchase").to_list() == truth.tolist()
    assert (ends["row"] == ends["position"]).all()
    assert (asked.group_by("position").agg(pl.col("user_id").n_unique())["user_id"] == 1).all()


@pytest.mark.parametrize("model", [next_action.JOINT, next_action.PURCHASES])
def test_a_model_is_measured_on_the_shop(shop: Dataset, model: str) -> None:
    measured = next_action.measure_on_shop(model, 0, shop, **TINY)
    assert 0 <= measured["ndcg"] <= 1
    assert measured["people"] > 10
    assert ("chances" in measured) == (model == next_action.JOINT)


def test_held_out_purchases_leave_no_trace(shop: Dataset) -> None:
    train, validation, test = next_action.hold_out(shop)
    events = {*zip(train.user_codes.tolist(), train.item_codes.tolist(), strict=True)}
    for targets in (validation, test):
        held = zip(targets.users.tolist(), targets.items.values.tolist(), strict=True)
        assert not events & {*held}
        assert (np.diff(targets.users) > 0).all()
    assert len(test) >= len(validation) > 0
    weights = next_action.WEIGHTS["graded"]
    measured = next_action.measure_weights("als", weights, 0, shop, iterations=1)
    assert 0 <= measured["ndcg"] <= 1
