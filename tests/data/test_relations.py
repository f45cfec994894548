from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from foretaste.content import item_texts
from foretaste.data.relations import read_relations, relations_of, with_relations
from foretaste.errors import DataError

ITEMS = pl.DataFrame(
    {
        "item_id": [1, 2, 3],
        "title": ["Rose soap", "Dish", None],
        "categories": [["Bath", "Soap"], None, ["Bath"]],
        "brand": ["Acme", "Acme", None],
    }
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_triples_are_read_once_each_and_as_strings(tmp_path: Path):
    path = written(tmp_path / "r.csv", "relation,head,tail\nscent,1,rose\nscent,1,rose\nset,1,2\n")
    assert read_relations(path).rows() == [("1", "scent", "rose"), ("1", "set", "2")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("head,tail\n1,2\n", "no column 'relation'"),
        ("head,relation,tail\n1,scent,rose\n2,scent,\n", "row 3, field 'tail'"),
        ("head,relation,tail\n1,scent,rose\n ,scent,x\n", "have no head"),
    ],
)
def test_what_is_wrong_is_told_by_row_and_field(tmp_path: Path, text: str, told: str):
    with pytest.raises(DataError, match=told):
        read_relations(written(tmp_path / "r.csv", text))
    with pytest.raises(DataError, match="no such file"):
        read_relations(tmp_path / "gone.csv")


def test_columns_of_the_catalogue_are_relations_too():
    found = relations_of(ITEMS, ["brand", "categories"])
    assert found.rows() == [
        ("1", "brand", "Acme"),
        ("2", "brand", "Acme"),
        ("1", "categories", "Bath"),
        ("1", "categories", "Soap"),
        ("3", "categories", "Bath"),
    ]
    with pytest.raises(DataError, match="no such column"):
        relations_of(ITEMS, ["colour"])


def test_relations_become_columns_that_encoders_read():
    triples = pl.DataFrame(
        {
            "head": ["1", "1", "2", "99"],
            "relation": ["scent", "goes with", "goes with", "scent"],
            "tail": ["rose", "2", "3", "musk"],
        }
    )
    items = with_relations(ITEMS, triples)
    assert items["scent"].to_list() == [["rose"], None, None]
    assert items["goes with"].to_list() == [["Dish"], ["3"], None]
    assert item_texts(items, ["title", "goes with"])[0] == "Rose soap. Dish"
    assert with_relations(ITEMS, triples.clear()).equals(ITEMS)


def test_a_column_that_is_there_already_stays():
    triples = pl.DataFrame({"head": ["1"], "relation": ["brand"], "tail": ["Bolt"]})
    assert with_relations(ITEMS, triples).equals(ITEMS)
