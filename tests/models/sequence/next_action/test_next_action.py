from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from foretaste import artifacts
from foretaste.data import Dataset, Ragged
from foretaste.errors import ConfigError, DataError, InputError
from foretaste.models import NextAction
from foretaste.models.sequence import NextActionConfig
from foretaste.models.sequence.next_action.events import Meaning, Told, number_events
from foretaste.models.sequence.next_action.network import NextEvent, next_place
from foretaste.training import UniformNegatives, seeded

SETTINGS: dict[str, Any] = {
    "dimension": 16,
    "negatives": 50,
    "context": ("device",),
    "training": {
        "epochs": 40,
        "learning_rate": 0.02,
        "warmup_steps": 0,
        "average": 0.9,
        "batch_tokens": 96,
    },
}
_MINUTE = 60_000
BUYERS = 0.5


def visits(people: int = 80, seed: int = 0) -> pl.DataFrame:
    """Everybody views two items, then puts the last into the cart; half buy it, half view another.

    Who buys has paused for an hour before the cart, or comes with the device "till": nothing else
    tells. In the end everybody views item 0.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for person in range(people):
        buys = rng.random() < BUYERS
        hint = rng.integers(2)
        items = rng.choice(np.arange(1, 8), 3, replace=False).tolist()
        pause = 60 if buys and hint else 1
        device = "till" if buys and not hint else "phone"
        steps = [(items[0], "view", 1), (items[1], "view", 1), (items[1], "cart", pause)]
        steps += [(items[1], "purchase", 1) if buys else (items[2], "view", 1), (0, "view", 1)]
        time = 1_700_000_000_000
        for item, kind, minutes in steps:
            time += minutes * _MINUTE
            rows.append(
                {
                    "user_id": f"p{person:03}",
                    "item_id": item,
                    "timestamp": time,
                    "event_type": kind,
                    "device": device,
                }
            )
    return pl.DataFrame(rows)


def until_cart(events: pl.DataFrame) -> pl.DataFrame:
    return events.filter(pl.int_range(pl.len()).over("user_id") < 3)


@pytest.fixture(scope="module")
def model() -> NextAction:
    return NextAction(**SETTINGS).fit(Dataset.from_tables(visits()))


def bought(events: pl.DataFrame) -> np.ndarray:
    kinds = events.group_by("user_id", maintain_order=True).agg(pl.col("event_type"))
    return np.array(["purchase" in row for row in kinds["event_type"]])


def test_pauses_and_context_tell_who_buys(model: NextAction) -> None:
    events = visits(people=40, seed=1)
    table = model.next_actions(until_cart(events))
    assert table.columns == ["user_id", "cart", "purchase", "view"]
    np.testing.assert_allclose(table.drop("user_id").sum_horizontal(), 1, atol=1e-5)
    chance = table["purchase"].to_numpy()
    assert chance[bought(events)].min() > 0.7
    assert chance[~bought(events)].max() < 0.3


def test_kinds_alone_are_told_apart(model: NextAction) -> None:
    table = model.next_actions(until_cart(visits()).filter(pl.col("event_type") == "view"))
    assert (table["cart"] > 0.8).all()


def test_items_are_recommended_for_an_action(model: NextAction) -> None:
    events = until_cart(visits(people=20, seed=2))
    carted = events.filter(pl.col("event_type") == "cart")["item_id"]
    to_buy = model.recommend_after(events, 1, action="purchase")
    assert to_buy["item_id"].to_list() == carted.to_list()
    assert set(to_buy["source"]) == {"next_action"}
    other = model.recommend_after(events, 1, action="view")
    assert (other["item_id"] != carted).mean() > 0.7
    unseen = model.recommend_after(events, 9, action="purchase", exclude_seen=True)
    seen = set(events.select("user_id", "item_id").iter_rows())
    assert not seen & set(unseen.select("user_id", "item_id").iter_rows())


def test_a_session_is_a_sequence_of_its_own(model: NextAction) -> None:
    events = until_cart(visits(people=6, seed=3))
    sessions = events.with_columns(session_id="s" + pl.col("user_id"), user_id=pl.lit("one"))
    by_session = model.next_actions(sessions, by="session_id")
    assert by_session["session_id"].to_list() == [f"sp{n:03}" for n in range(6)]
    expected = model.next_actions(events)["purchase"]
    np.testing.assert_allclose(by_session["purchase"], expected, rtol=1e-4)


def test_events_may_come_in_any_order(model: NextAction) -> None:
    events = until_cart(visits(people=6, seed=3))
    mixed = model.next_actions(events.sample(fraction=1, shuffle=True, seed=0))
    assert_same(mixed.sort("user_id"), model.next_actions(events))


def test_what_is_unknown_is_answered_by_the_shares_of_the_log(model: NextAction) -> None:
    events = until_cart(visits(people=2)).with_columns(
        item_id=pl.when(pl.col("user_id") == "p000").then(99).otherwise("item_id")
    )
    table = model.next_actions(events)
    shares = visits()["event_type"].value_counts(normalize=True).sort("event_type")
    np.testing.assert_allclose(table.row(0)[1:], shares["proportion"], atol=1e-6)
    assert model.recommend_after(events, 1)["source"].to_list() == ["popularity", "next_action"]
    assert len(model.next_actions(events.clear())) == 0


def test_saved_and_loaded(model: NextAction, tmp_path: Any) -> None:
    loaded = artifacts.load(artifacts.save(model, tmp_path / "run"))
    assert isinstance(loaded, NextAction)
    assert loaded.actions == model.actions
    events = until_cart(visits(people=5, seed=4))
    assert_same(loaded.next_actions(events), model.next_actions(events))


def assert_same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one["user_id"].equals(other["user_id"])
    np.testing.assert_allclose(one.drop("user_id"), other.drop("user_id"), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("place", [1, 2, 3, 4])
@pytest.mark.parametrize("column", ["timestamp", "device"])
def test_what_a_target_tells_of_itself_is_never_read(
    model: NextAction, column: str, place: int
) -> None:
    """Neither its pause nor its context: what foresees an event is the same whatever they are."""
    events = visits(people=10)
    later = pl.int_range(pl.len()).over("user_id") >= place
    other = pl.col(column) + 10**9 if column == "timestamp" else pl.lit("till")
    changed = events.with_columns(pl.when(later).then(other).otherwise(column).alias(column))
    before, after = states(model, events), states(model, changed)
    assert torch.equal(before[:, :place], after[:, :place])
    # And once it has happened, it is.
    assert not torch.allclose(before[:, place], after[:, place])
    if place == 4:
        assert loss(model, events) == loss(model, changed)


def states(model: NextAction, events: pl.DataFrame) -> torch.Tensor:
    """float[people, 5, dimension], what foresees the event after each."""
    data = known(events)
    told, rows = numbered(data, Meaning.of(data, ("device",)))
    numbers = torch.from_numpy(rows.padded()).long()
    with torch.inference_mode():
        return model.network.backbone(model.network.read(told, numbers))


def loss(model: NextAction, events: pl.DataFrame) -> float:
    """Of a fitted model's network on other events, under the same draws."""
    data = known(events)
    told, rows = numbered(data, Meaning.of(data, ("device",)))
    negatives = UniformNegatives(torch.arange(1, 9), 8)
    task = NextEvent(told, [1.0, 1.0, 1.0], negatives, NextActionConfig(blind_share=0.0))
    with seeded(0), torch.no_grad():
        return task(model.network, torch.from_numpy(rows.padded()).long()).item()


def known(events: pl.DataFrame) -> Dataset:
    return Dataset.from_tables(events, pl.DataFrame({"item_id": range(8)}))


def numbered(data: Dataset, meaning: Meaning, *, collapse: bool = True) -> tuple[Told, Ragged]:
    return number_events(
        data.events,
        data.item_codes,
        data.user_codes - 1,
        len(data.user_vocabulary),
        meaning,
        collapse_repeats=collapse,
    )


def test_repeats_are_collapsed() -> None:
    events = pl.DataFrame(
        {
            "user_id": ["a"] * 5 + ["b"] * 2,
            "item_id": [1, 1, 1, 2, 1, 1, 1],
            "timestamp": [0, 1000, 2000, 3000, 90_000, 0, 1000],
            "event_type": ["view", "view", "cart", "view", "view", "view", "view"],
        }
    )
    data = Dataset.from_tables(events)
    told, rows = numbered(data, Meaning.of(data, ()))
    assert rows.lengths.tolist() == [4, 1]
    assert told.items.tolist() == [0, 1, 1, 2, 1, 1]
    assert told.kinds.tolist() == [0, 2, 1, 2, 2, 2]
    # Pauses: none before the first, 2 s, 1 s, 87 s.
    assert told.sides[1].tolist() == [0, 0, 2, 2, 7, 0]
    _, rows = numbered(data, Meaning.of(data, ()), collapse=False)
    assert rows.lengths.tolist() == [5, 2]


def test_times_good_for_order_only_tell_of_no_pauses() -> None:
    data = Dataset.from_tables(visits(people=3).drop("device"), clock="order")
    told, _ = numbered(data, Meaning.of(data, ()))
    assert not told.sides[1].any()


def test_items_of_weight_zero_are_not_foreseen() -> None:
    data = Dataset.from_tables(visits(people=60))
    weights = {"view": 0.0, "cart": 0.0}
    model = NextAction(**SETTINGS, event_weights=weights).fit(data)
    events = until_cart(visits(people=20, seed=2))
    # The last view of everybody is of item 0, which only views could have taught.
    whole = visits(people=20, seed=2).filter(pl.int_range(pl.len()).over("user_id") < 4)
    assert (model.recommend_after(whole, 1, action="view")["item_id"] == 0).mean() < 0.5
    carted = events.filter(pl.col("event_type") == "cart")["item_id"]
    bought_first = model.recommend_after(events, 1, action="purchase")["item_id"]
    assert (bought_first == carted).mean() > 0.8


def test_objectives_of_items_can_be_added() -> None:
    data = Dataset.from_tables(visits(people=20))
    training = {**SETTINGS["training"], "epochs": 2}
    kinds = ["augmentation", "same_target", "masked_item", "segment"]
    settings = SETTINGS | {"training": training, "objectives": [{"kind": k} for k in kinds]}
    model = NextAction(**settings).fit(data)
    assert np.isfinite([epoch.loss for epoch in model.training_history.epochs]).all()


def test_input_that_does_not_fit(model: NextAction) -> None:
    events = until_cart(visits(people=2))
    with pytest.raises(InputError, match="no action 'steal'"):
        model.recommend_after(events, action="steal")
    for column in ("user_id", "item_id", "timestamp", "device"):
        with pytest.raises(DataError) as raised:
            model.next_actions(events.drop(column))
        assert raised.value.field == column
    with pytest.raises(DataError, match="some events have no type"):
        model.next_actions(
            events.with_columns(event_type=pl.when(pl.col("user_id") == "p000").then("event_type"))
        )
    with pytest.raises(DataError, match="integers"):
        model.next_actions(events.with_columns(pl.from_epoch("timestamp", time_unit="ms")))
    data = Dataset.from_tables(visits(people=5))
    with pytest.raises(InputError, match="steal"):
        NextAction(**SETTINGS, event_weights={"steal": 2.0}).fit(data)
    with pytest.raises(DataError) as raised:
        NextAction(context=("weather",)).fit(data)
    assert raised.value.field == "weather"
    with pytest.raises(ConfigError, match="bert4rec"):
        NextAction(backbone="bert4rec")


def test_the_next_place_of_a_kind_may_be_far_off() -> None:
    wanted = torch.tensor([[0, 1, 0, 0, 1], [1, 0, 0, 0, 0]], dtype=torch.bool)
    place, there = next_place(wanted)
    assert place[0].tolist() == [1, 1, 4, 4, 4]
    assert there.tolist() == [[True] * 5, [True] + [False] * 4]
    assert place[1, 0] == 0


def test_what_is_bought_some_looks_later_is_foreseen() -> None:
    """Whoever looks at item 0 or 1 buys item 6 or 7, after two looks at anything else."""
    rng = np.random.default_rng(0)
    rows = [
        {"user_id": person, "item_id": item, "event_type": kind, "timestamp": 10 * person + time}
        for person in range(200)
        for first in [int(rng.integers(2))]
        for time, (item, kind) in enumerate(
            [
                (first, "view"),
                *((int(other), "view") for other in rng.integers(2, 6, 2)),
                (6 + first, "purchase"),
            ]
        )
    ]
    events = pl.DataFrame(rows)
    settings = {key: value for key, value in SETTINGS.items() if key != "context"}
    model = NextAction(**settings).fit(Dataset.from_tables(events))
    first = events.group_by("user_id", maintain_order=True).first()
    bought = model.recommend_after(first, 1, action="purchase")["item_id"]
    assert (bought == first["item_id"] + 6).mean() > 0.9
