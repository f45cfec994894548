"""Weights of event types, in every model of implicit feedback that has them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.data import Dataset
from foretaste.errors import ConfigError, DataError, InputError
from foretaste.models import ALS, BPR, EASE, ItemKNN, LightGCN, NeuralCF, Recommender, UserKNN
from foretaste.models._implicit import ImplicitConfig, interactions

QUICK = {"epochs": 20, "learning_rate": 0.05, "warmup_steps": 0}


def shop() -> Dataset:
    """Who looks at the lamp buys the rug and looks at the vase, in equal numbers."""
    rows = [
        (f"p{n}", item, kind)
        for n in range(12)
        for item, kind in (
            ("lamp", "view"),
            ("rug", "buy") if n % 2 else ("vase", "view"),
            (f"own-{n}", "view"),
        )
    ]
    users, items, kinds = zip(*rows, strict=True)
    return Dataset.from_tables(
        pl.DataFrame(
            {
                "user_id": users,
                "item_id": items,
                "timestamp": range(len(rows)),
                "event_type": kinds,
            }
        ),
        clock="order",
    )


def test_the_strongest_action_counts() -> None:
    events = pl.DataFrame(
        {
            "user_id": ["p", "p", "p", "p", "q"],
            "item_id": ["a", "a", "a", "b", "b"],
            "timestamp": range(5),
            "event_type": ["view", "buy", "view", "view", None],
        }
    )
    data = Dataset.from_tables(events, clock="order")
    config = ImplicitConfig(event_weights={"buy": 5, "view": 0.5})
    np.testing.assert_array_equal(interactions(data, config).toarray()[:, 1:], [[5, 0.5], [0, 1]])
    plain = interactions(data, ImplicitConfig()).toarray()[:, 1:]
    np.testing.assert_array_equal(plain, [[1, 1], [0, 1]])
    without = interactions(data, ImplicitConfig(event_weights={"view": 0}))
    assert without.toarray()[:, 1:].tolist() == [[1, 0], [0, 1]]
    assert without.nnz == 2


@pytest.mark.parametrize(
    "model",
    [
        UserKNN(event_weights={"buy": 10}),
        EASE(regularisation=1, event_weights={"buy": 10}),
        BPR(factors=8, event_weights={"view": 0}),
        NeuralCF(kind="gmf", dimension=8, event_weights={"buy": 30}, training=QUICK),
    ],
    ids=lambda model: model.name,
)
def test_what_is_bought_comes_before_what_is_looked_at(model: Recommender) -> None:
    rug, vase = model.fit(shop()).score([["lamp"]], ["rug", "vase"])[0]
    assert rug > vase


def test_als_trusts_an_action_by_its_type() -> None:
    model = ALS(alpha=2, event_weights={"buy": 5, "view": 0}).fit(shop())
    data = shop()
    weights = data.event_weights(model.config.event_weights)
    confidences = model._confidences(data.histories(), weights)
    assert confidences.nnz == 6
    assert set(confidences.data) == {11}


@pytest.mark.parametrize("model", [ItemKNN, UserKNN, EASE, ALS, BPR, LightGCN, NeuralCF])
def test_unknown_types_are_named(model: type[Recommender]) -> None:
    with pytest.raises(InputError, match=r"purchase.*There are: buy, view") as caught:
        model(event_weights={"purchase": 2}).fit(shop())
    assert caught.value.field == "event_weights"


def test_weights_that_leave_nothing() -> None:
    with pytest.raises(DataError, match="no event has a weight"):
        EASE(event_weights={"view": 0, "buy": 0}).fit(shop())
    with pytest.raises(ConfigError, match="event_weights"):
        EASE(event_weights={"view": -1})


def test_events_without_types_can_not_be_weighed() -> None:
    data = shop()
    bare = Dataset.from_tables(data.events.drop("event_type"), clock="order")
    with pytest.raises(InputError, match="no types"):
        EASE(event_weights={"view": 1}).fit(bare)
