"""Small data sets with known answers for the contract tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from foretaste.data import Dataset

COLD = "garden-cold"
PEOPLE = 24
_EVENTS = 6
_PER_TASTE = 10


def dataset(
    histories: Iterable[tuple[str | int, Sequence[str | int]]], items: pl.DataFrame | None = None
) -> Dataset:
    """A data set in which each person acts on their items one after the other, and rates them."""
    rows = [(user, item) for user, history in histories for item in history]
    users, acted_on = zip(*rows, strict=True)
    events = pl.DataFrame({"user_id": users, "item_id": acted_on, "timestamp": range(len(rows))})
    events = events.with_columns((1 + pl.col("timestamp") * 7 % 5).alias("event_value"))
    return Dataset.from_tables(events, items, clock="order")


def two_tastes(seed: int = 0) -> Dataset:
    """People who like the garden and people who like the desk, and an item nobody acted on."""
    rng = np.random.default_rng(seed)
    words = [("garden", n) for n in range(_PER_TASTE)] + [("desk", n) for n in range(_PER_TASTE)]
    items = pl.DataFrame(
        {
            "item_id": [f"{taste}-{n}" for taste, n in words] + [COLD],
            "title": [f"A thing for the {taste}, number {n}" for taste, n in words]
            + ["A new thing for the garden"],
        }
    )
    tastes = ["garden" if person % 2 else "desk" for person in range(PEOPLE)]
    return dataset(
        (
            (f"p{person}", [f"{taste}-{n}" for n in rng.permutation(_PER_TASTE)[:_EVENTS]])
            for person, taste in enumerate(tastes)
        ),
        items,
    )


def checkerboard(size: int) -> Dataset:
    """Person i acted on every item of their own colour (parity) but item i: so item i is next.

    The test matrix of `implicit` (tests/recommender_base_test.py). In which order they acted says
    nothing.
    """
    rng = np.random.default_rng(0)
    return dataset(
        (person, rng.permutation([i for i in range(person % 2, size, 2) if i != person]).tolist())
        for person in range(size)
    )
