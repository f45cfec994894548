"""Which column is which."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.data import DataConfig, inspect, read
from foretaste.errors import ConfigError
from tests.data.readers.files import T0, refusal, write


@pytest.mark.parametrize(
    "header",
    [
        "USER_ID,Item_Id,TimeStamp",
        "userId,movieId,ts",
        "uid,product-id,time",
        "visitorid,itemid,Event Time",
        "customer_id,asin,created_at",
        "reviewerID,asin,unixTime",
    ],
)
def test_names_are_understood(tmp_path: Path, header: str) -> None:
    events = read(write(tmp_path / "e.csv", f"{header}\na,b,{T0}\n")).events
    assert events.rows() == [("a", "b", T0 * 1000)]


def test_the_canonical_name_wins_over_its_synonyms(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder / "events.csv", f"user_id,item_id,timestamp,rating\n1,2,{T0},4.5\n")
    write(folder / "items.tsv", "item_id\tasin\tname\tgenres\n2\tB07\tToy Story\tComedy|Drama\n")
    dataset = read(folder)
    assert dataset.events["event_value"].to_list() == [4.5]
    assert dataset.items.to_dicts() == [
        {"item_id": 2, "asin": "B07", "title": "Toy Story", "categories": ["Comedy", "Drama"]}
    ]


def test_two_columns_that_could_be_the_same_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", f"uid,customer,item_id,timestamp\na,b,c,{T0}\n")
    error = refusal(path)
    assert "'uid' and 'customer'" in error.message
    assert error.field == "user_id"
    names = {"events": {"user_id": "customer"}}
    dataset = read(path, columns=names)
    assert dataset.events["user_id"].to_list() == ["b"]
    assert dataset.events["uid"].to_list() == ["a"]


def test_a_given_name_wins_and_the_other_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", f"user_id,item_id,Shopper,timestamp\na,b,c,{T0}\n")
    events = read(path, columns={"events": {"user_id": "shopper"}}).events
    assert events.row(0, named=True) == {
        "original_user_id": "a",
        "item_id": "b",
        "user_id": "c",
        "timestamp": T0 * 1000,
    }


def test_a_given_name_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", f"user_id,item_id,timestamp\na,b,{T0}\n")
    error = refusal(path, columns={"events": {"user_id": "shopper"}})
    assert "no column 'shopper'" in error.message
    assert "user_id, item_id, timestamp" in error.message


def test_a_canonical_name_that_does_not_exist_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="did you mean 'user_id'"):
        DataConfig.parse({"path": "x", "columns": {"events": {"userid": "uid"}}})
    with pytest.raises(ConfigError, match="tabel"):
        DataConfig.parse({"path": "x", "columns": {"tabel": {}}})


@pytest.mark.parametrize("missing", ["user_id", "item_id", "timestamp"])
def test_missing_columns(tmp_path: Path, missing: str) -> None:
    columns = {"user_id": "a", "item_id": "b", "timestamp": str(T0)}
    del columns[missing]
    path = write(tmp_path / "e.csv", f"{','.join(columns)}\n{','.join(columns.values())}\n")
    error = refusal(path, lenient=True)
    assert error.field == missing
    assert all(column in error.message for column in columns)
    if missing == "timestamp":
        assert "time_unit: order" in (error.hint or "")
        assert read(path, time_unit="order").clock == "order"


def test_the_report_says_what_was_understood(tmp_path: Path) -> None:
    report = inspect(write(tmp_path / "e.csv", f"uid,sku,ts,note\na,b,{T0},x\n"))
    assert report.ok
    assert report.layout == "canonical"
    assert report.files[0].columns == {"uid": "user_id", "sku": "item_id", "ts": "timestamp"}
    assert "uid → user_id" in str(report)
