"""The data set keeps ids, order and whatever else came along."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from polars.testing import assert_frame_equal

from foretaste.data import Dataset
from foretaste.errors import DataError
from tests.data.worlds import Event, dataset, events, table

EVENTS = table([(2, 30, 5), (1, 10, 9), (2, 10, 1), (2, 20, 5), (1, 10, 3)])


@given(events(distinct_times=False, min_size=1))
def test_histories_follow_time_then_the_order_of_rows(rows: list[Event]) -> None:
    data = dataset(rows)
    histories = data.histories()
    assert len(histories) == len(data.user_vocabulary)
    for row, user in enumerate(data.user_vocabulary.ids):
        acts = sorted((event for event in rows if event[0] == user), key=lambda event: event[2])
        expected = [event[1] for event in acts]
        assert data.item_vocabulary.decode(histories[row]).to_list() == expected


@given(events(distinct_times=False, min_size=1))
def test_codes_and_counts_agree_with_the_events(rows: list[Event]) -> None:
    data = dataset(rows)
    assert len(data) == len(rows)
    assert data.user_vocabulary.decode(data.user_codes).equals(data.events["user_id"])
    assert data.item_vocabulary.decode(data.item_codes).equals(data.events["item_id"])
    assert data.timestamps.tolist() == data.events["timestamp"].to_list()
    items = [event[1] for event in rows]
    expected = [0, *(items.count(item) for item in data.item_vocabulary.ids)]
    assert data.item_counts.tolist() == expected


def test_catalogue_is_in_code_order_with_cold_and_unlisted_items() -> None:
    items = pl.DataFrame({"item_id": [99, 20, 10], "title": ["new", "b", "a"]})
    data = Dataset.from_tables(EVENTS, items)
    assert data.items.rows() == [(10, "a"), (20, "b"), (30, None), (99, "new")]
    assert data.item_counts.tolist() == [0, 3, 1, 1, 0]
    assert data.only_with_events().items["item_id"].to_list() == [10, 20, 30]
    assert data.only_with_events().events.equals(data.events)


def test_users_without_events_have_empty_histories() -> None:
    users = pl.DataFrame({"user_id": [3, 1, 2], "age": [30, 10, 20]})
    data = Dataset.from_tables(EVENTS, users=users)
    assert data.users.rows() == [(1, 10), (2, 20), (3, 30)]
    assert data.histories().lengths.tolist() == [2, 3, 0]


def test_other_columns_are_kept() -> None:
    data = Dataset.from_tables(EVENTS.with_columns(device=pl.Series(["a", "b", "c", "d", "e"])))
    assert data.events["device"].to_list() == ["e", "b", "c", "a", "d"]


def test_ids_of_two_types_become_strings() -> None:
    items = pl.DataFrame({"item_id": ["10", "020"]})
    data = Dataset.from_tables(EVENTS, items)
    assert data.item_vocabulary.ids.to_list() == ["020", "10", "20", "30"]
    assert data.user_vocabulary.ids.to_list() == [1, 2]


def test_take_events_keeps_people_and_items() -> None:
    data = Dataset.from_tables(EVENTS)
    taken = data.take_events(data.timestamps < 5)
    assert taken.events.select("user_id", "item_id").rows() == [(1, 10), (2, 10)]
    assert taken.item_counts.tolist() == [0, 2, 0, 0]
    assert taken.user_vocabulary == data.user_vocabulary
    assert_frame_equal(taken.items, data.items)


def test_fingerprint_follows_the_content() -> None:
    items = pl.DataFrame({"item_id": [10], "title": ["a"]})
    first = Dataset.from_tables(EVENTS, items).fingerprint
    assert Dataset.from_tables(EVENTS, items, notes=("a note",)).fingerprint == first
    assert (
        Dataset.from_tables(EVENTS.sort("timestamp", maintain_order=True), items).fingerprint
        == first
    )
    others = [
        Dataset.from_tables(EVENTS, items, clock="order"),
        Dataset.from_tables(EVENTS, items.with_columns(title=pl.lit("b"))),
        Dataset.from_tables(EVENTS, pl.DataFrame({"item_id": [10, 11], "title": ["a", None]})),
        Dataset.from_tables(EVENTS.with_columns(pl.col("timestamp") + 1), items),
        Dataset.from_tables(EVENTS.with_columns(event_type=pl.lit("view")), items),
        Dataset.from_tables(EVENTS.with_columns(event_value=pl.lit(1.0)), items),
        Dataset.from_tables(EVENTS.with_columns(pl.col("user_id").cast(pl.String)), items),
        Dataset.from_tables(EVENTS[:4], items),
    ]
    assert len({first, *(other.fingerprint for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("tables", "field", "message"),
    [
        ({"events": EVENTS.drop("item_id")}, "item_id", "no column 'item_id'"),
        ({"events": EVENTS.clear()}, None, "no events"),
        ({"events": EVENTS.with_columns(timestamp=pl.lit("now"))}, "timestamp", "integers"),
        ({"events": EVENTS.with_columns(timestamp=pl.lit(None, pl.Int64))}, "timestamp", "null"),
        ({"events": EVENTS.with_columns(user_id=pl.lit(None, pl.Int64))}, "user_id", "null"),
        ({"events": EVENTS.with_columns(item_id=pl.lit(2.0))}, "item_id", "not Float64"),
        (
            {"events": EVENTS, "users": pl.DataFrame({"user_id": [True]})},
            "user_id",
            "not Boolean",
        ),
        (
            {"events": EVENTS, "items": pl.DataFrame({"item_id": [1, 1]})},
            "item_id",
            "list 1 more than once",
        ),
        ({"events": EVENTS, "users": pl.DataFrame({"name": ["x"]})}, "user_id", "no column"),
        (
            {"events": EVENTS, "items": pl.DataFrame({"item_id": [1, None]})},
            "item_id",
            "null",
        ),
    ],
)
def test_wrong_tables_are_refused(
    tables: dict[str, pl.DataFrame], field: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Dataset.from_tables(**tables)
    assert field is None or caught.value.field == field


def test_timestamps_of_any_integer_type() -> None:
    small = EVENTS.with_columns(pl.col("timestamp").cast(pl.UInt8))
    assert Dataset.from_tables(small).timestamps.dtype == np.int64
    assert Dataset.from_tables(small).fingerprint == Dataset.from_tables(EVENTS).fingerprint
