"""The next action: does it help to know what was done with an item, and how surely is a purchase
foreseen?

On the generated shop, split by time: what people buy in the last tenth of the days is foreseen
from all they did before. `next_action` reads views, carts and purchases with their pauses and
devices; `sequence` reads the same events without knowing which is which, `sequence-purchases`
learns from and reads purchases alone. None reads words; the full catalogue is ranked, items seen
before included. `next_action` is also asked, at events of the last tenth, how likely the person's
next event is a purchase; that is set against the share of purchases in training, and against their
share after an event of the same type.

On retailrocket, which has types but no order, weights of event types: one purchased item of
everybody with two or more is held out with all their events on it (and another for validation).
Weights are chosen on validation targets; test targets are reported. Networks have one seed there.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import log_loss, roc_auc_score

import foretaste as ft
from figures import NDCG, Record, at_least, at_most, done
from foretaste.data import Dataset, Ragged, Targets
from foretaste.data.schema import EVENT_TYPE, TIMESTAMP, USER_ID
from foretaste.data.shop import ShopConfig, generate
from foretaste.metrics import hit_positions, ndcg
from foretaste.models import MODELS, Recommender
from harness import Cell

SEEDS = (0, 1, 2)
K = 10
SHOP, RETAIL = "shop", "retailrocket"
BY_TIME, BY_PERSON = "temporal", "purchases"
JOINT, UNTYPED, PURCHASES = "next_action", "sequence", "sequence-purchases"
PURCHASE = "purchase"
#: What an event of each type counts, by name.
WEIGHTS: dict[str, dict[str, float]] = {
    "alike": {},
    "graded": {"view": 1.0, "cart": 3.0, PURCHASE: 5.0},
    "steep": {"view": 0.1, "cart": 0.5, PURCHASE: 1.0},
    "purchases": {"view": 0.0, "cart": 0.0, PURCHASE: 1.0},
}
WEIGHTED = ("als", "neuralcf", JOINT)
#: Events at which the next action is asked for, most.
_ASKED = 5000
#: Actions before each of those that are read.
_READ = 50
_POSITION = "position"


def cells() -> list[Cell]:
    """The models on the shop, and every weighting of three of them on retailrocket."""
    shop = [(SHOP, BY_TIME, model) for model in (JOINT, UNTYPED, PURCHASES)]
    retail = [(RETAIL, BY_PERSON, f"{model}-{name}") for model in WEIGHTED for name in WEIGHTS]
    return [
        Cell(data=data, split=split, model=model, seed=seed)
        for data, split, model in shop + retail
        for seed in (SEEDS if data == SHOP or model.startswith("als-") else SEEDS[:1])
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one model, and measures it."""
    if cell.data == SHOP:
        return measure_on_shop(cell.model, cell.seed, generate(ShopConfig()).dataset)
    name, _, weights = cell.model.rpartition("-")
    return measure_weights(name, WEIGHTS[weights], cell.seed, ft.read(data / cell.data))


def measure_on_shop(name: str, seed: int, dataset: Dataset, **settings: Any) -> dict[str, Any]:
    """How well purchases of the last tenth are foreseen, and by `next_action` also when."""
    split = dataset.split(BY_TIME)
    train, known = split.train, before(dataset, 0.9)
    validation, test = purchases_after(dataset, 0.8, 0.9), purchases_after(dataset, 0.9, 1.0)
    if name == PURCHASES:
        train, known, dataset = map(only_purchases, (train, known, dataset))
        validation, test = (
            Targets(part.users, histories_of(before(dataset, share), part.users), part.items)
            for part, share in ((validation, 0.8), (test, 0.9))
        )
    if name != JOINT:
        model = ft.SequenceRecommender(seed=seed, **settings).fit(train, validation)
        ranked = model.rank(test.histories, K, exclude_seen=False).items
        return {"ndcg": ndcg_of(ranked, test), "people": len(test)}
    model = ft.NextAction(seed=seed, context=("device",), **settings).fit(train, validation)
    events = known.events.filter(pl.Series(np.isin(known.user_codes, test.users)))
    return {
        "ndcg": ndcg_of(recommended(model, events, dataset, test), test),
        "people": len(test),
        "chances": measure_chances(model, dataset, train, seed),
    }


def recommended(
    model: ft.NextAction, events: pl.DataFrame, dataset: Dataset, test: Targets
) -> np.ndarray:
    """int32[people, K], codes of what is recommended to be bought; popular items to strangers."""
    strangers = model.rank(Ragged.from_rows([[]]), K).items[0]
    ranked = np.tile(strangers, (len(test), 1))
    table = model.recommend_after(events, K, action=PURCHASE)
    codes = dataset.user_vocabulary.encode(table[USER_ID])
    rows = np.searchsorted(test.users, codes)
    ranked[rows, table["rank"].to_numpy() - 1] = dataset.item_vocabulary.encode(table["item_id"])
    return ranked


def measure_chances(
    model: ft.NextAction, dataset: Dataset, train: Dataset, seed: int
) -> dict[str, float]:
    """Log loss and AUC of P(the next event is a purchase), at events of the last tenth."""
    asked, truth, last = questions(dataset, seed)
    told = model.next_actions(asked, by=_POSITION).sort(_POSITION)[PURCHASE].to_numpy()
    kinds = train.events.select(
        EVENT_TYPE, bought=(pl.col(EVENT_TYPE).shift(-1) == PURCHASE).over(USER_ID)
    ).drop_nulls()
    share = float(kinds["bought"].mean())
    after = dict(kinds.group_by(EVENT_TYPE).agg(pl.col("bought").mean()).iter_rows())
    by_kind = np.array([after[kind] for kind in last])
    return {
        "questions": len(truth),
        "share": float(truth.mean()),
        "mean told": float(told.mean()),
        "log loss": float(log_loss(truth, told)),
        "AUC": float(roc_auc_score(truth, told)),
        "log loss of the base rate": float(log_loss(truth, np.full(len(truth), share))),
        "log loss by the last type": float(log_loss(truth, by_kind)),
        "AUC by the last type": float(roc_auc_score(truth, by_kind)),
    }


def questions(dataset: Dataset, seed: int) -> tuple[pl.DataFrame, np.ndarray, list[str]]:
    """Events up to some in the last tenth, whether a purchase followed each, and its own type."""
    events = dataset.events.with_row_index("row").with_columns(
        next_type=pl.col(EVENT_TYPE).shift(-1).over(USER_ID)
    )
    late = events.filter(
        (pl.col(TIMESTAMP) >= moment(dataset, 0.9)) & pl.col("next_type").is_not_null()
    )
    late = late.sample(min(_ASKED, len(late)), seed=seed).sort("row")
    reach = late.select(
        USER_ID,
        pl.col("row").alias(_POSITION),
        pl.int_ranges((pl.col("row").cast(pl.Int64) - _READ + 1).clip(0), pl.col("row") + 1).alias(
            "row"
        ),
    ).explode("row")
    asked = reach.join(
        events.with_columns(pl.col("row").cast(pl.Int64)), on=[USER_ID, "row"], how="inner"
    )
    return asked, (late["next_type"] == PURCHASE).to_numpy(), late[EVENT_TYPE].to_list()


def measure_weights(
    name: str, weights: dict[str, float], seed: int, dataset: Dataset, **settings: Any
) -> dict[str, Any]:
    """A model with weights of event types, on held-out purchases."""
    train, validation, test = hold_out(dataset)
    if name == JOINT:
        settings = {"collapse_repeats": False, **settings}
    model: Recommender = MODELS[name](seed=seed, event_weights=weights, **settings)
    model.fit(train, validation)
    return {
        part: ndcg_of(model.rank(targets.histories, K).items, targets)
        for part, targets in (("validation", validation), ("ndcg", test))
    } | {"people": len(test)}


def hold_out(dataset: Dataset, seed: int = 0) -> tuple[Dataset, Targets, Targets]:
    """Training events, and a purchased item of each person for validation and for test."""
    pairs = (
        dataset.events.filter(pl.col(EVENT_TYPE) == PURCHASE)
        .select(USER_ID, "item_id")
        .unique(maintain_order=True)
        .sample(fraction=1, shuffle=True, seed=seed)
        .with_columns(place=pl.int_range(pl.len()).over(USER_ID), bought=pl.len().over(USER_ID))
        .filter((pl.col("bought") >= 2) & (pl.col("place") < pl.col("bought").clip(0, 3) - 1))
    )
    held = dataset.events.join(pairs, on=[USER_ID, "item_id"], how="left", maintain_order="left")
    train = dataset.take_events(held["place"].is_null().to_numpy())
    found = []
    for place in (1, 0):
        part = pairs.filter(pl.col("place") == place)
        users = dataset.user_vocabulary.encode(part[USER_ID])
        items = dataset.item_vocabulary.encode(part["item_id"])[np.argsort(users)]
        users = np.sort(users)
        targets = Ragged.from_lengths(items, np.ones(len(items), np.int64))
        found.append(Targets(users, histories_of(train, users), targets))
    return train, found[0], found[1]


def only_purchases(dataset: Dataset) -> Dataset:
    return dataset.take_events((dataset.events[EVENT_TYPE] == PURCHASE).to_numpy())


def before(dataset: Dataset, share: float) -> Dataset:
    """The events of the first share of the log."""
    return dataset.take_events(dataset.timestamps < moment(dataset, share))


def purchases_after(dataset: Dataset, start: float, end: float) -> Targets:
    """What people bought between two places of the log, from all they did before the first."""
    times = dataset.timestamps
    stop = moment(dataset, end) if end < 1 else times.max() + 1
    inside = (times >= moment(dataset, start)) & (times < stop)
    bought = dataset.take_events(inside & (dataset.events[EVENT_TYPE] == PURCHASE).to_numpy())
    pairs = np.unique(np.stack([bought.user_codes, bought.item_codes]), axis=1)
    users, counts = np.unique(pairs[0], return_counts=True)
    return Targets(
        users, histories_of(before(dataset, start), users), Ragged.from_lengths(pairs[1], counts)
    )


def moment(dataset: Dataset, share: float) -> int:
    """When so large a share of the events had happened, as the temporal split cuts."""
    return int(np.quantile(dataset.timestamps, share, method="higher"))


def histories_of(dataset: Dataset, users: np.ndarray) -> Ragged:
    return dataset.histories().take(users - 1)


def ndcg_of(ranked: np.ndarray, targets: Targets) -> float:
    hits = hit_positions(ranked, targets.items.row_of_value, targets.items.values)
    return float(ndcg(hits, targets.items.lengths).mean())


def summary(records: list[Record]) -> dict[str, Any]:
    """Medians over seeds."""
    shop = {
        model: {NDCG: middle(found, "ndcg"), "people": found[0]["people"], "seeds": len(found)}
        for model in (JOINT, UNTYPED, PURCHASES)
        if (found := done(records, data=SHOP, model=model))
    }
    asked = [record["chances"] for record in done(records, data=SHOP, model=JOINT)]
    chances = {JOINT: {key: middle(asked, key) for key in asked[0]}} if asked else {}
    retail = {
        f"{model}, {name}": {
            f"validation {NDCG}": middle(found, "validation"),
            f"test {NDCG}": middle(found, "ndcg"),
            "people": found[0]["people"],
            "seeds": len(found),
        }
        for model in WEIGHTED
        for name in WEIGHTS
        if (found := done(records, data=RETAIL, model=f"{model}-{name}"))
    }
    titles = {
        f"{SHOP}: what is bought next": shop,
        f"{SHOP}: whether the next event is a purchase": chances,
        f"{RETAIL}: weights of event types": retail,
    }
    return {title: rows for title, rows in titles.items() if rows}


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """What the figures were wanted to be."""

    def got(model: str, data: str = SHOP, key: str = "ndcg") -> float | None:
        found = done(records, data=data, model=model)
        return middle(found, key) if found else None

    found = [
        at_least(f"{SHOP}, {JOINT} ahead of {other}: {NDCG}", got(other) or 0.0, got(JOINT))
        for other in (UNTYPED, PURCHASES)
    ]
    asked = [record["chances"] for record in done(records, data=SHOP, model=JOINT)]
    told = {key: middle(asked, key) for key in asked[0]} if asked else {}
    for rival in ("of the base rate", "by the last type"):
        name = f"{SHOP}, log loss of P(purchase next) below that {rival}"
        found.append(at_most(name, told.get(f"log loss {rival}", 0.0), told.get("log loss")))
    name = f"{SHOP}, AUC of P(purchase next) above that by the last type"
    found.append(at_least(name, told.get("AUC by the last type", 0.0), told.get("AUC")))
    for model in WEIGHTED:
        chosen = max(
            WEIGHTS, key=lambda name, m=model: got(f"{m}-{name}", RETAIL, "validation") or 0.0
        )
        alike = got(f"{model}-alike", RETAIL) or 0.0
        name = f"{RETAIL}, {model} with the weights chosen on validation ({chosen}): {NDCG}"
        found.append(at_least(name, alike, got(f"{model}-{chosen}", RETAIL)))
    return found


def middle(records: list[dict[str, Any]], key: str) -> float:
    return round(median(record[key] for record in records), 5)
