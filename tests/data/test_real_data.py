"""The real data sets, where they are at hand."""

from __future__ import annotations

import time

import polars as pl
import pytest

from foretaste.data import inspect, read
from tests.conftest import shared_data


@pytest.mark.slow
def test_movielens_1m() -> None:
    path = shared_data("ml-1m")
    start = time.perf_counter()
    dataset = read(path)
    # About one second on two idle cores; a reader that goes row by row takes a minute.
    assert time.perf_counter() - start < 10
    assert len(dataset) == 1_000_209
    assert len(dataset.user_vocabulary) == 6_040
    assert len(dataset.item_vocabulary) == 3_883
    assert dataset.clock == "time"
    assert dataset.notes == ()
    assert dataset.items["title"][0] == "Toy Story (1995)"
    assert dataset.items["categories"].to_list()[0] == ["Animation", "Children's", "Comedy"]
    description = dataset.describe()
    assert description.items_without_events == 177
    assert description.items_without_text == 0


def test_movielens_100k_in_both_layouts() -> None:
    path = shared_data("ml-100k")
    with_text, raw = inspect(path), inspect(path, layout="movielens-100k")
    assert with_text.layout == "recbole"
    assert any("movielens-100k" in note for note in with_text.notes)
    for report in (with_text, raw):
        assert report.ok
        assert report.clock == "time"
        assert report.description is not None
        assert (report.description.events, report.description.users) == (100_000, 943)
        assert report.description.first == "1997-09-20"
    events = [read(path, layout=layout).events for layout in ("recbole", "movielens-100k")]
    assert events[0].equals(events[1])


def test_amazon_beauty() -> None:
    dataset = read(shared_data("amazon-beauty"))
    assert len(dataset) == 198_502
    assert len(dataset.user_vocabulary) == 22_363
    assert len(dataset.item_vocabulary) == 12_101
    assert dataset.clock == "order"
    first = dataset.histories()[0]
    assert dataset.item_vocabulary.decode(first).to_list() == [10318, 6381, 2387, 4084, 1425]
    assert dataset.items["categories"].to_list()[0] == ["Beauty", "Makeup", "Nails", "Nail Polish"]
    assert dataset.describe().items_without_text == 0


def test_a_comma_separated_file() -> None:
    dataset = read(shared_data("ml-1m-ctr") / "train.csv")
    assert len(dataset) == 33_891
    assert dataset.events["title"].dtype == pl.String
