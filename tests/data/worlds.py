"""Small random data sets for property tests."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st

from foretaste.data import Dataset

Event = tuple[int, int, int]


def table(events: list[Event]) -> pl.DataFrame:
    """Events given as (user, item, timestamp)."""
    return pl.DataFrame(
        events,
        schema={"user_id": pl.Int64, "item_id": pl.Int64, "timestamp": pl.Int64},
        orient="row",
    )


def dataset(events: list[Event], **settings: object) -> Dataset:
    return Dataset.from_tables(table(events), **settings)  # type: ignore[arg-type]


def events(*, distinct_times: bool, min_size: int = 12) -> st.SearchStrategy[list[Event]]:
    """Up to 8 people and 12 items; repeated actions, people with one event, times that tie."""
    return st.lists(
        st.tuples(
            st.integers(1, 8), st.integers(1, 12), st.integers(0, 10_000 if distinct_times else 15)
        ),
        min_size=min_size,
        max_size=60,
        unique_by=(lambda event: event[2]) if distinct_times else None,
    )
