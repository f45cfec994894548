"""The public layouts: how they are recognised, and what is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from foretaste.data import inspect, read
from foretaste.data.readers import READERS
from tests.data.readers.files import T0, refusal, rows, write

T1 = T0 * 1000


def lines(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def movielens_1m(folder: Path) -> None:
    write(folder / "ratings.dat", f"1::20::5::{T0}\n1::30::3::{T0 + 1}\n")
    movies = '20::Misérables, Les (1995)::Drama|Musical\n30::M*A*S*H: "War"::War\n'
    write(folder / "movies.dat", movies.encode("latin-1"))
    write(folder / "users.dat", "1::F::25::15::02139\n")


def movielens_100k(folder: Path) -> None:
    write(folder / "u.data", f"1\t20\t5\t{T0}\n1\t30\t3\t{T0 + 1}\n")
    flags = ["0"] * 19
    flags[8], flags[12] = "1", "1"
    film = "20|Misérables, Les (1995)|01-Jan-1995||http://x|"
    other = "30|unknown||||"
    content = f"{film}{'|'.join(flags)}\n{other}{'|'.join(['0'] * 19)}\n"
    write(folder / "u.item", content.encode("latin-1"))
    write(folder / "u.user", "1|24|M|technician|02139\n")


def recbole(folder: Path) -> None:
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    write(folder / "x.inter", f"{header}1\t20\t5\t{T0}\n1\t30\t3\t{T0 + 1}\n")
    header = "item_id:token\tmovie_title:token_seq\tclass:token_seq\tvector:float_seq\n"
    write(folder / "x.item", f'{header}20\t"Les Misérables\tDrama Musical\t0.5 1\n30\tM\t\t\n')
    write(folder / "x.user", "user_id:token\tage:token\n1\t24\n")


def personalize(folder: Path) -> None:
    header = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n"
    write(folder / "a.csv", f"{header}1,20,{T0},watch,5\n1,30,{T0 + 1},click,3\n")
    header = "ITEM_ID,CATEGORY_L1,CATEGORY_L2,PRODUCT_DESCRIPTION,PRICE,CREATION_TIMESTAMP\n"
    items = f"20,Film|Drama,Musical,A song,9.5,{T0}\n30,,,,,\n"
    write(folder / "b.csv", header + items)
    write(folder / "c.csv", "USER_ID,AGE\n1,24\n")


def gorse(folder: Path) -> None:
    base = {"UserId": "1", "FeedbackType": "star"}
    feedback = lines(
        {**base, "ItemId": "20", "Timestamp": "2023-11-14T22:13:20Z"},
        {**base, "ItemId": "30", "Timestamp": "2023-11-14T22:13:21.000000Z"},
    )
    write(folder / "feedback.jsonl", feedback)
    items = lines(
        {
            "ItemId": "20",
            "IsHidden": False,
            "Categories": ["Drama", "Musical"],
            "Timestamp": "0001-01-01T00:00:00Z",
            "Labels": {"topics": ["song"]},
            "Comment": "Les Misérables",
        },
        {"ItemId": "30", "IsHidden": True, "Categories": None, "Labels": ["x"], "Comment": ""},
    )
    write(folder / "items.jsonl", items)
    write(folder / "users.jsonl", lines({"UserId": "1", "Labels": None, "Comment": ""}))


def amazon_2018(folder: Path) -> None:
    base = {"reviewerID": "A1", "verified": True, "reviewText": "so good", "style": {"Size:": "S"}}
    reviews = lines(
        {**base, "asin": "0020", "overall": 5.0, "unixReviewTime": T0},
        {**base, "asin": "0030", "overall": 3.0, "unixReviewTime": T0 + 1},
    )
    write(folder / "Beauty_5.json.gz", reviews)
    item = {
        "asin": "0020",
        "title": "Soap",
        "category": ["Beauty", "Soap"],
        "description": ["Washes.", 'The "best".'],
        "brand": "Suds",
        "price": "$1,012.50",
        "rank": "12 in Beauty",
    }
    html = {"asin": "0030", "category": [], "description": [], "price": ".a{width: 1px}"}
    write(folder / "meta_Beauty.json.gz", lines(item, html, item))


def amazon_2023(folder: Path) -> None:
    base = {"user_id": "A1", "title": "Good", "text": "so good", "verified_purchase": True}
    reviews = lines(
        {**base, "parent_asin": "0020", "asin": "0021", "rating": 5.0, "timestamp": T1},
        {**base, "parent_asin": "0030", "asin": "0031", "rating": 3.0, "timestamp": T1 + 1000},
    )
    write(folder / "All_Beauty.jsonl", reviews)
    item = {
        "parent_asin": "0020",
        "title": "Soap",
        "main_category": "All Beauty",
        "categories": ["Beauty", "Soap"],
        "features": ["Round", "Blue"],
        "description": ["Washes."],
        "store": "Suds",
        "price": 12.5,
        "details": {"Colour": "blue"},
        "images": [{"large": "x"}],
    }
    bare = {"parent_asin": "0030", "title": "", "categories": [], "price": None, "details": {}}
    write(folder / "meta_All_Beauty.jsonl", lines(item, bare))


def sequences(folder: Path) -> None:
    write(folder / "sequential_data.txt", "1 20 30\n7 30\n8\n")
    items = 'item_id\ttitle\tcategories_json\n20\tSoap\t[["Beauty", "Soap"]]\n30\tGel\t[]\n'
    write(folder / "items.tsv", items)


def retailrocket(folder: Path) -> None:
    header = "visitorid\titemid\tevent\n"
    write(folder / "view_ecommerce.dat", f"{header}1\t20\t1\n1\t30\t1\n2\t20\t1\n")
    write(folder / "add_to_cart_ecommerce.dat", f"{header}1\t30\t1\n")
    write(folder / "purchase_ecommerce.dat", f"{header}1\t30\t1\n")


def labelled(folder: Path) -> None:
    header = "uid,iid,label,timestamp,title,orig_rating\n"
    write(folder / "train.csv", f'{header}1,20,1,{T0},"Sting, The (1973)",4\n')
    write(folder / "valid.csv", f"{header}1,30,0,{T0 + 1},Alien (1979),\n")
    write(folder / "test.csv", f'{header}2,20,0,{T0 + 2},"Sting, The (1973)",2\n')


MAKERS = {
    "movielens-1m": movielens_1m,
    "movielens-100k": movielens_100k,
    "recbole": recbole,
    "personalize": personalize,
    "gorse": gorse,
    "amazon-reviews": amazon_2018,
    "sequences": sequences,
    "retailrocket": retailrocket,
    "labelled": labelled,
}


@pytest.mark.parametrize("layout", MAKERS)
def test_layouts_are_recognised(tmp_path: Path, layout: str) -> None:
    MAKERS[layout](tmp_path)
    report = inspect(tmp_path)
    assert report.ok, str(report)
    assert report.layout == layout
    assert read(tmp_path, layout=layout).fingerprint == read(tmp_path).fingerprint


def test_every_layout_is_tested() -> None:
    assert {*MAKERS, "canonical"} == {reader.layout for reader in READERS}


@pytest.mark.parametrize(
    "layout", ["movielens-1m", "movielens-100k", "recbole", "personalize", "gorse"]
)
def test_events_are_the_same_in_every_layout(tmp_path: Path, layout: str) -> None:
    MAKERS[layout](tmp_path)
    dataset = read(tmp_path)
    # The ids of a JSON dump are strings, though they look like numbers.
    ids = ("1", "20", "30") if layout == "gorse" else (1, 20, 30)
    assert rows(dataset) == [(ids[0], ids[1], T1), (ids[0], ids[2], T1 + 1000)]
    assert dataset.clock == "time"
    if layout != "gorse":
        assert dataset.events["event_value"].to_list() == [5.0, 3.0]


def items_of(folder: Path) -> list[dict[str, Any]]:
    return read(folder).items.to_dicts()


def test_movielens_1m(tmp_path: Path) -> None:
    movielens_1m(tmp_path)
    assert items_of(tmp_path) == [
        {"item_id": 20, "title": "Misérables, Les (1995)", "categories": ["Drama", "Musical"]},
        {"item_id": 30, "title": 'M*A*S*H: "War"', "categories": ["War"]},
    ]
    users = read(tmp_path).users.row(0, named=True)
    assert users == {
        "user_id": 1,
        "gender": "F",
        "age": 25,
        "occupation": 15,
        "zip_code": "02139",
    }


def test_movielens_1m_by_order(tmp_path: Path) -> None:
    write(tmp_path / "ratings.dat", f"1::20::5::{T0}\n1::10::3::{T0}\n")
    dataset = read(tmp_path, time_unit="order")
    assert dataset.clock == "order"
    assert dataset.events["item_id"].to_list() == [20, 10]


def test_movielens_1m_cut_off(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "ratings.dat", f"1::20::5::{T0}\n1::20::5"))
    assert "cut off" in error.message
    assert error.row == 2


def test_movielens_100k(tmp_path: Path) -> None:
    movielens_100k(tmp_path)
    film, unknown = items_of(tmp_path)
    assert film["title"] == "Misérables, Les (1995)"
    assert film["categories"] == ["Drama", "Musical"]
    assert unknown["categories"] is None


def test_recbole(tmp_path: Path) -> None:
    recbole(tmp_path)
    assert items_of(tmp_path) == [
        {
            "item_id": 20,
            "title": '"Les Misérables',
            "categories": ["Drama", "Musical"],
            "vector": [0.5, 1.0],
        },
        {"item_id": 30, "title": "M", "categories": None, "vector": []},
    ]


def test_recbole_without_times_is_in_the_order_of_the_file(tmp_path: Path) -> None:
    write(tmp_path / "x.inter", "user_id:token\titem_id:token\n1\t9\n1\t3\n")
    dataset = read(tmp_path)
    assert dataset.clock == "order"
    assert dataset.events["item_id"].to_list() == [9, 3]
    assert "no times" in dataset.notes[0]


@pytest.mark.parametrize("header", ["user_id\titem_id", "user_id:token\titem_id:int"])
def test_recbole_headers_need_types(tmp_path: Path, header: str) -> None:
    error = refusal(write(tmp_path / "x.inter", f"{header}\n1\t9\n"))
    assert "name:type" in error.message


def test_several_recbole_files_are_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write(tmp_path / f"x.{part}.inter", "user_id:token\titem_id:token\n1\t9\n")
    assert "x.test.inter, x.train.inter" in refusal(tmp_path).message


def test_personalize(tmp_path: Path) -> None:
    personalize(tmp_path)
    item = items_of(tmp_path)[0]
    assert item["categories"] == ["Film", "Drama", "Musical"]
    assert item["description"] == "A song"
    assert item["price"] == 9.5
    assert item["CREATION_TIMESTAMP"] == T0
    assert read(tmp_path).events["event_type"].to_list() == ["watch", "click"]
    assert read(tmp_path).users.to_dicts() == [{"user_id": 1, "AGE": 24}]


def test_gorse(tmp_path: Path) -> None:
    gorse(tmp_path)
    item, hidden = items_of(tmp_path)
    assert item["title"] == "Les Misérables"
    assert item["categories"] == ["Drama", "Musical"]
    assert json.loads(item["labels"]) == {"topics": ["song"]}
    assert hidden["title"] is None
    assert read(tmp_path).events["event_type"].to_list() == ["star", "star"]


@pytest.mark.parametrize("make", [amazon_2018, amazon_2023])
def test_amazon(tmp_path: Path, make: Any) -> None:
    make(tmp_path)
    dataset = read(tmp_path)
    assert rows(dataset) == [("A1", "0020", T1), ("A1", "0030", T1 + 1000)]
    assert dataset.events["event_value"].to_list() == [5.0, 3.0]
    assert "reviewText" not in dataset.events.columns
    soap, bare = dataset.items.to_dicts()
    assert soap["title"] == "Soap"
    assert soap["brand"] == "Suds"
    assert soap["categories"] == ["Beauty", "Soap"]
    assert bare["title"] is None
    assert bare["categories"] is None
    assert bare["price"] is None
    if make is amazon_2018:
        assert soap["description"] == 'Washes. The "best".'
        assert soap["price"] == 1012.5
        assert any("Left out 1 row" in note for note in dataset.notes)
    else:
        assert soap["features"] == "Round Blue"
        assert soap["price"] == 12.5
        assert dataset.events["asin"].to_list() == ["0021", "0031"]


def test_retailrocket(tmp_path: Path) -> None:
    retailrocket(tmp_path)
    dataset = read(tmp_path)
    kinds = dataset.events.select("user_id", "item_id", "event_type").rows()
    assert kinds == [
        (1, 20, "view"),
        (1, 30, "view"),
        (1, 30, "cart"),
        (1, 30, "purchase"),
        (2, 20, "view"),
    ]
    assert dataset.clock == "order"
    assert any("order of the rows" in note for note in dataset.notes)


def test_retailrocket_names_the_file_at_fault(tmp_path: Path) -> None:
    retailrocket(tmp_path)
    write(tmp_path / "purchase_ecommerce.dat", "visitorid\titemid\tevent\n1\t30\t1\n\t30\t1\n")
    error = refusal(tmp_path)
    assert error.file == str(tmp_path / "purchase_ecommerce.dat")
    assert (error.row, error.field) == (3, "visitorid")
    (tmp_path / "purchase_ecommerce.dat").unlink()
    assert "known layout" in str(refusal(tmp_path))


def test_sequences(tmp_path: Path) -> None:
    sequences(tmp_path)
    dataset = read(tmp_path)
    assert rows(dataset) == [(1, 20, 0), (1, 30, 1), (7, 30, 0)]
    assert dataset.clock == "order"
    assert dataset.items["categories"].to_list() == [["Beauty", "Soap"], None]
    assert any("1 user without items" in note for note in dataset.notes)


def test_sequences_of_a_user_in_two_lines_follow_each_other(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "a.txt", "u x y\r\nw z\r\n\r\nu x\r\n"))
    assert rows(dataset) == [("u", "x", 0), ("u", "y", 1), ("u", "x", 2), ("w", "z", 0)]


def test_tables_without_headers_are_not_taken_for_sequences(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "ratings.txt", "1 2 3.5\n1 3 4.0\n"))
    assert "no known format or layout" in error.message


def test_one_folder_in_two_layouts(tmp_path: Path) -> None:
    recbole(tmp_path)
    movielens_100k(tmp_path)
    (tmp_path / "u.item").unlink()
    report = inspect(tmp_path)
    assert report.layout == "recbole"
    assert any("movielens-100k" in note for note in report.notes)
    assert inspect(tmp_path, layout="movielens-100k").layout == "movielens-100k"


def test_a_layout_that_is_not_there(tmp_path: Path) -> None:
    recbole(tmp_path)
    error = refusal(tmp_path, layout="movielens-1m")
    assert "needs ratings.dat" in error.message
    assert "x.inter" in (error.hint or "")


def test_unknown_folders_are_told_what_was_looked_for(tmp_path: Path) -> None:
    assert "folder is empty" in refusal(tmp_path).message
    assert "no such file" in refusal(tmp_path / "nowhere").message
    for name in ("train.csv", "test.csv"):
        write(tmp_path / name, "a,b\n1,2\n")
    error = refusal(tmp_path)
    assert "no known layout" in error.message
    assert all(reader.looks_for in (error.hint or "") for reader in READERS)
    assert "test.csv, train.csv" in (error.hint or "")


@pytest.mark.parametrize(
    ("events", "items", "users"),
    [
        ("events.csv", "items.csv", "users.csv"),
        ("Interactions.csv.gz", "products.csv", "people.csv"),
        ("ratings.csv", "movies.csv", "customers.csv"),
        ("log-2024.csv", "catalogue.csv.gz", "users.csv"),
    ],
)
def test_names_of_canonical_files(tmp_path: Path, events: str, items: str, users: str) -> None:
    write(tmp_path / events, f"user_id,item_id,timestamp\n1,2,{T0}\n")
    write(tmp_path / items, "item_id,title\n2,x\n")
    write(tmp_path / users, "user_id,age\n1,30\n")
    (tmp_path / "images").mkdir()
    write(tmp_path / ".hidden.csv", "x")
    write(tmp_path / "README.md", "x")
    dataset = read(tmp_path)
    assert dataset.items["title"].to_list() == ["x"]
    assert dataset.users["age"].to_list() == [30]


def test_labelled_parts(tmp_path: Path) -> None:
    labelled(tmp_path)
    data = read(tmp_path)
    assert data.events.select("user_id", "item_id", "label", "part").rows() == [
        (1, 20, 1, "train"),
        (1, 30, 0, "validation"),
        (2, 20, 0, "test"),
    ]
    assert data.events["event_value"].to_list() == [4, None, 2]
    assert data.items.rows() == [(20, "Sting, The (1973)", 1973), (30, "Alien (1979)", 1979)]


def test_a_label_that_is_none_is_named_by_file_and_row(tmp_path: Path) -> None:
    labelled(tmp_path)
    write(tmp_path / "valid.csv", f"uid,iid,label,timestamp\n1,30,0,{T0}\n1,30,2,{T0}\n")
    error = refusal(tmp_path)
    assert error.file == str(tmp_path / "valid.csv")
    assert (error.row, error.field) == (3, "label")
