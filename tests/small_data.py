"""A small folder of files whose right answers are known: two tastes, and titles that tell them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

USERS, ITEMS, EVENTS = 60, 40, 12
FIRST_USER, FIRST_ITEM = 1, 101
_START = 1_700_000_000
_THINGS = ("lamp", "chair", "table", "shelf", "rug")


def write_small_data(folder: Path) -> Path:
    """Writes events.csv and items.csv: even users like even items (garden), odd ones odd (desk)."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(USERS), EVENTS)
    halves = np.stack([rng.choice(ITEMS // 2, EVENTS, replace=False) for _ in range(USERS)])
    items = 2 * halves.ravel() + users % 2
    days = np.tile(np.arange(EVENTS), USERS)
    events = pl.DataFrame(
        {
            "user_id": users + FIRST_USER,
            "item_id": items + FIRST_ITEM,
            "timestamp": _START + days * 86_400 + rng.integers(0, 80_000, len(users)),
        }
    )
    catalogue = pl.DataFrame(
        {
            "item_id": np.arange(ITEMS) + FIRST_ITEM,
            "title": [
                f"{'Desk' if i % 2 else 'Garden'} {_THINGS[i % len(_THINGS)]} no. {i}"
                for i in range(ITEMS)
            ],
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    events.write_csv(folder / "events.csv")
    catalogue.write_csv(folder / "items.csv")
    return folder
