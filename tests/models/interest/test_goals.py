from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Dataset
from foretaste.data.shop import ShopConfig, generate
from foretaste.errors import ConfigError, DataError
from foretaste.models.interest import InterestModel, Parts, QuestionConfig, divide, labelled
from foretaste.models.interest.bodies import OF_SEVERAL_GOALS
from foretaste.models.interest.bodies.base import BodyConfig, Shape
from foretaste.models.interest.bodies.heads import both, headed
from foretaste.models.interest.bodies.networks import loss_of, metric_of
from foretaste.models.interest.measures import auc
from foretaste.models.interest.question import Goal
from foretaste.training import seeded
from tests.models.interest import worlds
from tests.models.interest.test_question import EVENTS

SHARINGS = ("vectors", "bottom", "experts")


@pytest.fixture(scope="module")
def parts() -> Parts:
    return worlds.goals_parts()


def model(name: str = "mlp", goals: Any = worlds.GOALS, **settings: Any) -> InterestModel:
    return worlds.model(name, question={"goals": goals}, refit=False, **settings)


@pytest.mark.parametrize(
    ("body", "sharing"),
    [*(("mlp", sharing) for sharing in SHARINGS), ("din", "experts"), ("fused", "bottom")],
)
def test_goals_are_learnt_together_and_come_back_the_same(
    parts: Parts, body: str, sharing: str
) -> None:
    fitted = model(body, body={"sharing": sharing, "experts": 2}).fit(parts.train, parts.validation)
    fitted.remember(parts.known("streaming"))
    test = parts.test.events
    said = fitted.predict(test)
    assert said.shape == (len(test), 3)
    assert said.dtype == np.float32
    # Under the true probabilities these are 0.80 and 0.78.
    assert auc(test["label:click"].to_numpy(), said[:, 0]) > 0.66
    assert auc(test["label:buy"].to_numpy(), said[:, 1]) > 0.66
    assert (said[:, 1] <= said[:, 0]).all()
    rated = test["label:stars"].is_not_null().to_numpy()
    stars = test["label:stars"].to_numpy()[rated]
    assert np.sqrt(np.mean((said[rated, 2] - stars) ** 2)) < 0.9 * stars.std()
    assert said[:, 2].min() >= 1
    assert said[:, 2].max() <= 5
    again = InterestModel.from_state(fitted.state())
    np.testing.assert_array_equal(again.predict(test), said)
    assert fitted.predict(test.head(0)).shape == (0, 3)


def test_a_goal_with_few_labels_gains_from_one_with_many() -> None:
    """Three in a hundred pairs say whether somebody would buy, all whether they clicked."""
    table, truth = worlds.pairs(3000)
    rng = np.random.default_rng(7)
    told = pl.Series(rng.random(len(table)) < 0.03) | pl.Series(np.arange(3000) >= 2400)
    table = table.rename({"label": "click"}).with_columns(
        want=pl.when(told).then(pl.Series((rng.random(3000) < truth).astype(float)))
    )
    goals = {"click": {"column": "click"}, "want": {"column": "want"}}
    # What a person likes is in no column: it is the two sides together.
    sides = [["left", "right"][number % 2] for number in range(worlds.PEOPLE)]
    users = pl.DataFrame({"user_id": range(worlds.PEOPLE), "side": sides})
    items = pl.DataFrame({"item_id": range(worlds.ITEMS), "face": sides[: worlds.ITEMS]})
    data = Dataset.from_tables(table, items, users)
    parts = divide(labelled(data, QuestionConfig.parse({"goals": goals})))
    plain = {"signals": False, "context": (), "moment": False}
    figures = {}
    for name, asked in (("together", goals), ("alone", {"want": goals["want"]})):
        fitted = model(goals=asked, features=plain, staleness=0)
        fitted.fit(parts.train, parts.validation)
        said = fitted.predict(parts.test.events).reshape(len(parts.test), -1)[:, -1]
        figures[name] = auc(parts.test.events["label:want"].to_numpy(), said)
    assert figures["together"] > max(0.65, figures["alone"] + 0.1)


def test_purchases_after_carts_of_the_shop() -> None:
    shop = generate(ShopConfig(items=200, people=250)).dataset
    goals = {"cart": {"acted": "cart"}, "purchase": {"acted": "purchase", "after": "cart"}}
    question = {"shown": "view", "goals": goals}
    parts = divide(labelled(shop, QuestionConfig.parse(question)))
    for part in (parts.train, parts.test):
        assert (part.events["label:purchase"] <= part.events["label:cart"]).all()
    fitted = worlds.model("mlp", question=question, refit=False).fit(parts.train, parts.validation)
    said = fitted.remember(parts.known("streaming")).predict(parts.test.events)
    rates = parts.train.events.select(f"label:{goal}" for goal in goals).to_numpy().mean(axis=0)
    # Calibrated, each goal is foreseen about as often as it comes.
    np.testing.assert_allclose(said.mean(axis=0), rates, rtol=0.5)
    assert auc(parts.test.events["label:cart"].to_numpy(), said[:, 0]) > 0.55


def test_labels_of_goals() -> None:
    events = pl.concat(
        [
            EVENTS.with_columns(stars=pl.lit(None, pl.Float64)),
            pl.DataFrame(
                [("a", "y", 25, "rating", "s1", 4.0), ("a", "y", 28, "buy", "s1", None)],
                schema=[*EVENTS.columns, "stars"],
                orient="row",
            ),
        ]
    )
    goals = {
        "cart": {"acted": "cart"},
        "buy": {"acted": "buy", "after": "cart"},
        "bought": {"acted": "buy"},
        "stars": {"acted": "rating", "column": "stars", "rating": True},
        "liked": {"acted": "rating", "column": "stars", "above": 3},
    }
    question = QuestionConfig.parse({"shown": "view", "goals": goals})
    found = labelled(Dataset.from_tables(events), question).events
    assert "stars" not in found.columns
    names = [f"label:{goal}" for goal in goals]
    assert found.select("item_id", "timestamp", *names).rows() == [
        ("x", 10, 1, 0, 0, None, None),
        # It was bought, but not put into the cart before.
        ("y", 20, 0, 0, 1, 4, 1),
        ("x", 30, 0, 0, 0, None, None),
        ("z", 40, 0, 0, 0, None, None),
    ]
    assert found["known_at:cart"].to_list() == [15, 30, 30, 50]
    assert found["known_at:stars"].to_list() == [30, 25, 30, 50]


def test_pairs_without_any_label_are_left_out() -> None:
    events = EVENTS.with_columns(a=pl.Series([1, None, 0, None, 1, 0]), b=pl.Series([None] * 6))
    goals = {"a": {"column": "a"}, "b": {"column": "b"}}
    with pytest.raises(DataError, match="not numbers"):
        labelled(Dataset.from_tables(events), QuestionConfig.parse({"goals": goals}))
    events = events.with_columns(b=pl.Series([None, None, 1, 0, None, None], dtype=pl.Int8))
    found = labelled(Dataset.from_tables(events), QuestionConfig.parse({"goals": goals})).events
    assert found.select("label:a", "label:b").rows() == [
        (1, None),
        (0, 1),
        (None, 0),
        (1, None),
        (0, None),
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"goals": {"a": {}}}, "acted, a column, or both"),
        ({"goals": {"a": {"acted": "cart"}}}, "need shown"),
        ({"goals": {"a": {"acted": "cart", "above": 3}}, "shown": "view"}, "column"),
        ({"goals": {"a": {"column": "x", "after": "b"}}}, "earlier goal"),
        ({"goals": {"user_id": {"column": "x"}}}, "name of a goal"),
        ({"goals": {"a": {"column": "x"}}, "column": "y"}, "shown alone"),
        ({"goals": {"a": {"column": "x", "rating": True, "above": 1}}}, "rating"),
    ],
)
def test_goals_that_can_t_be_asked(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        QuestionConfig.parse(settings)


def test_what_can_t_learn_several_goals_says_so(parts: Parts) -> None:
    with pytest.raises(ConfigError, match=f"trees.*{', '.join(OF_SEVERAL_GOALS)}"):
        model("trees")
    with pytest.raises(ConfigError, match="leave out"):
        model(imbalance={"kind": "weights"})
    alike = parts.train.take_events(parts.train.events["label:buy"].to_numpy() == 0)
    with pytest.raises(DataError, match="label:buy"):
        model().fit(alike)


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_the_log_odds_of_both_are_those_of_the_product(first: float, second: float) -> None:
    found = both(torch.tensor([first]), torch.tensor([second])).double().sigmoid()
    wanted = torch.tensor([first]).double().sigmoid() * torch.tensor([second]).double().sigmoid()
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=0)


def test_what_comes_after_passes_its_error_on_to_both() -> None:
    """Over the entire space, a purchase teaches the click, too."""
    goals = (Goal("click"), Goal("buy", after=0))
    shape = Shape(2, (), 1, (), np.zeros((2, 1), np.float32), 1, goals=goals)
    with seeded(0):
        head = headed(3, shape, BodyConfig(sharing="vectors", layers=(4,)))
        out = head(torch.ones(2, 3))
    assert out.shape == (2, 2)
    assert (out[:, 1] < out[:, 0]).all()
    out[:, 1].sum().backward()
    towers: Any = head.towers
    assert all(tower[0].weight.grad.abs().sum() > 0 for tower in towers)


def test_only_pairs_with_labels_count_in_loss_and_metric() -> None:
    goals = (Goal("click"), Goal("stars", rating=True, weight=3.0))
    nan = float("nan")
    labels = torch.tensor([[1.0, nan], [0.0, 1.0], [nan, 0.5]])
    log_odds = torch.tensor([[0.0, 9.0], [0.0, 0.0], [9.0, 0.0]], requires_grad=True)
    loss = loss_of(log_odds, labels, torch.ones(3), goals, 0.0)
    # log 2, and three times the mean of 0.25 and 0.
    assert loss.item() == pytest.approx(np.log(2) + 3 * 0.125)
    loss.backward()
    assert log_odds.grad is not None
    assert log_odds.grad[0, 1] == 0
    assert log_odds.grad[2, 0] == 0
    said = np.array([[2.0, 9.0], [1.0, 0.0], [9.0, 0.0]], np.float32)
    metric = metric_of(said, labels.numpy(), goals)
    assert metric == pytest.approx((1 - np.sqrt(0.125)) / 2)
