"""A small world of labelled pairs whose truth is known."""

from __future__ import annotations

import numpy as np
import polars as pl

from foretaste.data import Dataset
from foretaste.models.interest import InterestModel, Parts, QuestionConfig, divide, labelled

PEOPLE, ITEMS = 40, 24
#: Quick settings of networks.
QUICK = {"epochs": 8, "batch_tokens": 64, "learning_rate": 1e-2, "average": 0.9, "warmup_steps": 0}


def pairs(n: int = 1600, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """People act on items of their own parity, and more on the phone; with true probabilities."""
    rng = np.random.default_rng(seed)
    people, items = rng.integers(0, PEOPLE, n), rng.integers(0, ITEMS, n)
    devices = rng.choice(["phone", "desk"], n)
    log_odds = 2.4 * (people % 2 == items % 2) + 1.2 * (devices == "phone") - 1.8
    truth = 1 / (1 + np.exp(-log_odds))
    table = pl.DataFrame(
        {
            "user_id": people,
            "item_id": items,
            "timestamp": np.sort(rng.integers(0, 40 * 86_400_000, n)),
            "label": (rng.random(n) < truth).astype(int),
            "device": devices,
        }
    )
    return table, truth


def parts(n: int = 1600, seed: int = 0) -> Parts:
    """The same, divided in time."""
    data = Dataset.from_tables(pairs(n, seed)[0], items=catalogue())
    return divide(labelled(data, QuestionConfig()))


def catalogue() -> pl.DataFrame:
    """Items with a title that tells their parity, and a price that tells nothing."""
    numbers = np.arange(ITEMS)
    titles = [f"{'Odd' if n % 2 else 'Even'} thing {n}" for n in numbers]
    return pl.DataFrame({"item_id": numbers, "title": titles, "price": numbers * 7 % 5 + 0.5})


def model(*bodies: str, **settings: object) -> InterestModel:
    """A model that is fitted in a second or two."""
    body = {"training": QUICK, "dimension": 8, "layers": [16], "trees": 60}
    body |= settings.pop("body", {})  # type: ignore[operator]
    features = {"history": 8, **settings.pop("features", {})}  # type: ignore[dict-item]
    return InterestModel(bodies=bodies, body=body, features=features, **settings)


def goals_table(n: int = 1600, seed: int = 0, rated: float = 0.5) -> pl.DataFrame:
    """Impressions whose goals go back to the same liking: `click`, `buy` (after a click), `given`.

    Stars are given to some of the pairs only, from 1 to 5.
    """
    table, truth = pairs(n, seed)
    rng = np.random.default_rng(seed + 1)
    click = table["label"].to_numpy()
    buy = click * (rng.random(n) < np.sqrt(truth) * 0.7)
    stars = np.clip(np.rint(1 + 4 * truth + rng.normal(0, 0.4, n)), 1, 5)
    stars[rng.random(n) >= rated] = np.nan
    return table.drop("label").with_columns(
        click=pl.Series(click), buy=pl.Series(buy), given=pl.Series(stars).fill_nan(None)
    )


GOALS = {
    "click": {"column": "click"},
    "buy": {"column": "buy", "after": "click"},
    "stars": {"column": "given", "rating": True, "weight": 2.0},
}


def goals_parts(n: int = 1600, seed: int = 0, **options: float) -> Parts:
    """The same, divided in time."""
    data = Dataset.from_tables(goals_table(n, seed, **options), items=catalogue())
    return divide(labelled(data, QuestionConfig.parse({"goals": GOALS})))
