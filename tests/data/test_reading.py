"""Reading as a whole: tables put together, notes, descriptions, and the report."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from foretaste.data import DataConfig, Dataset, inspect, read
from foretaste.errors import ConfigError, DataError
from tests.data.readers.files import HEADER, T0, refusal, write


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three events; item 9 is missing from the catalogue, item 3 is cold and without text."""
    header = "user_id,item_id,timestamp,event_type\n"
    events = f"1,2,{T0},view\n1,9,{T0 + 86400},view\n5,2,{T0 + 86400 * 2},buy\n"
    write(tmp_path / "events.csv", header + events)
    write(tmp_path / "items.csv", "item_id,title,categories\n2,Soap,Beauty|Soap\n3,,\n")
    write(tmp_path / "users.csv", "user_id,age\n1,30\n5,31\n6,32\n")
    return tmp_path


def test_counted_lines(shop: Path) -> None:
    dataset = read(shop)
    assert dataset.notes == ("1 event on 1 item that items.csv lacks.",)
    assert inspect(shop).notes == dataset.notes
    assert inspect(shop).ok


def test_description(shop: Path) -> None:
    description = read(shop).describe()
    assert (description.events, description.users, description.items) == (3, 3, 3)
    assert description.users_without_events == 1
    assert description.items_without_events == 1
    assert description.items_without_text == 2
    assert description.events_per_user == 1.5
    assert description.density == 3 / 9
    assert (description.first, description.last) == ("2023-11-14", "2023-11-16")
    assert description.event_types == {"view": 2, "buy": 1}
    assert json.loads(json.dumps(description.to_dict()))["item_columns"] == [
        *("item_id", "title", "categories")
    ]
    text = str(description)
    assert "2023-11-14 to 2023-11-16" in text
    assert "view 2" in text


def test_description_without_times_or_text() -> None:
    events = pl.DataFrame({"user_id": [1, 1], "item_id": [1, 2], "timestamp": [0, 1]})
    description = Dataset.from_tables(events, clock="order").describe()
    assert description.first is None
    assert description.items_without_text == 2
    assert "order only" in str(description)


def test_duplicate_items_are_refused_by_their_second_row(shop: Path) -> None:
    write(shop / "items.csv", "item_id,title\n2,Soap\n3,Gel\n2,Soap again\n")
    error = refusal(shop)
    assert (error.file, error.row, error.field) == (str(shop / "items.csv"), 4, "item_id")
    lenient = read(shop, lenient=True)
    assert lenient.items.filter(pl.col("item_id") == 2)["title"].to_list() == ["Soap"]
    assert any("listed a second time" in note for note in lenient.notes)


def test_a_price_that_is_no_number(shop: Path) -> None:
    write(shop / "items.csv", "item_id,price\n2,9.5\n3,cheap\n")
    error = refusal(shop)
    assert (error.row, error.field) == (3, "price")
    assert "'cheap' is no number" in error.message


def test_ids_that_are_numbers_in_one_table_only(shop: Path) -> None:
    write(shop / "items.csv", "item_id,title\n2,Soap\nB3,Gel\n")
    dataset = read(shop)
    assert dataset.item_vocabulary.ids.to_list() == ["2", "9", "B3"]
    assert "items.csv lacks" in dataset.notes[0]


def test_leniency_keeps_no_events_that_are_not_there(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "e.csv", f"{HEADER},,\n,,\n"), lenient=True)
    assert "no event is left" in error.message


def test_the_report_goes_on_after_rows_and_ends_at_columns(shop: Path) -> None:
    write(shop / "events.csv", f"{HEADER},2,{T0}\n1,2,{T0}\n")
    write(shop / "items.csv", "sku_code,title\n2,Soap\n")
    report = inspect(shop)
    assert not report.ok
    assert [(p.file, p.row, p.field) for p in report.problems] == [
        (str(shop / "events.csv"), 2, "user_id"),
        (str(shop / "items.csv"), None, "item_id"),
    ]
    assert report.description is None
    assert [file.name for file in report.files] == ["events.csv", "items.csv"]
    assert "problem: " in str(report)


def test_the_report_of_what_is_not_there(tmp_path: Path) -> None:
    report = inspect(tmp_path / "nowhere")
    assert not report.ok
    assert report.layout is None
    assert "no such file or folder" in str(report)


def test_configuration_by_object_or_by_keyword(shop: Path) -> None:
    config = DataConfig(path=shop, time_unit="s")
    assert read(config).fingerprint == read(shop, time_unit="s").fingerprint
    assert DataConfig.parse(config.model_dump(mode="json")) == config
    with pytest.raises(ConfigError, match="lenient"):
        read(shop, leniet=True)
    with pytest.raises(ConfigError):
        inspect(shop, layout="movielens")


def test_reading_twice_is_the_same(shop: Path) -> None:
    assert read(shop).fingerprint == read(shop).fingerprint


def test_a_folder_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "events.csv").mkdir()
    with pytest.raises(DataError, match="folder is empty"):
        read(tmp_path)
