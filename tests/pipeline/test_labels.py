from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Vocabulary
from foretaste.errors import DataError
from foretaste.pipeline.labels import read_labels

ITEMS = Vocabulary(pl.Series("item_id", ["i1", "i2", "i3", "i4"]))
NUMBERED = Vocabulary(pl.Series("item_id", [7, 8]))


def test_labels_of_every_format(tmp_path: Path) -> None:
    table = pl.DataFrame({"item_id": ["i3", "i1", "i3"], "label": [1, 0, 1]})
    table.write_csv(tmp_path / "a.csv")
    table.write_csv(tmp_path / "a.tsv", separator="\t")
    table.write_parquet(tmp_path / "a.parquet")
    table.with_columns(pl.col("label").cast(pl.Boolean)).write_parquet(tmp_path / "b.parquet")
    table.with_columns(pl.col("label").cast(pl.Float64)).write_parquet(tmp_path / "c.parquet")
    (tmp_path / "b.csv").write_text("label,item_id,why\nTRUE,i3,x\nfalse,i1,\n")
    for name in ("a.csv", "a.tsv", "a.parquet", "b.parquet", "c.parquet", "b.csv"):
        found = read_labels(tmp_path / name, ITEMS)
        assert found.to_dict(as_series=False) == {"item_id": ["i3", "i1"], "label": [True, False]}
    (tmp_path / "n.csv").write_text("item_id,label\n8,1\n")
    assert read_labels(tmp_path / "n.csv", NUMBERED)["item_id"].to_list() == [8]


@pytest.mark.parametrize(
    ("text", "row", "field", "words"),
    [
        ("item_id,label\ni1,1\ni9,0\n", 3, "item_id", "'i9' is no item of the run"),
        ("item_id,label\ni1,1\ni2,perhaps\n", 3, "label", "'perhaps' is neither 1 nor 0"),
        ("item_id,label\ni1,\ni2,1\n", 2, "label", "neither 1 nor 0"),
        ("item_id,label\ni1,1\ni2,0\ni1,0\n", 4, "label", "earlier row"),
        ("item_id,label\n,1\n", 2, "item_id", "empty"),
        ("item_id,label\ni1,1,1\n", 2, None, "column"),
        ("item,label\ni1,1\n", None, "item_id", "no such column"),
        ("item_id,harmful\ni1,1\n", None, "label", "no such column"),
        ("", None, None, "empty"),
    ],
)
def test_a_bad_label_is_named_by_file_and_row(
    tmp_path: Path, text: str, row: int | None, field: str | None, words: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as raised:
        read_labels(path, ITEMS)
    assert (raised.value.file, raised.value.row) == (str(path), row)
    assert raised.value.field == field


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_labels(tmp_path / "none.csv", ITEMS)
    (tmp_path / "labels.xlsx").write_text("x")
    with pytest.raises(DataError, match="no format"):
        read_labels(tmp_path / "labels.xlsx", ITEMS)


@given(st.lists(st.tuples(st.sampled_from(["i1", "i2", "i3", "i4"]), st.booleans()), min_size=1))
def test_labels_are_read_as_given_or_contradict(
    tmp_path_factory: pytest.TempPathFactory, labels: list[tuple[str, bool]]
) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    pl.DataFrame(labels, schema=["item_id", "label"], orient="row").write_csv(path)
    said = {item: {label for i, label in labels if i == item} for item, _ in labels}
    if any(len(both) > 1 for both in said.values()):
        with pytest.raises(DataError, match="earlier row"):
            read_labels(path, ITEMS)
    else:
        found = dict(read_labels(path, ITEMS).iter_rows())
        assert {item: {label} for item, label in found.items()} == said
