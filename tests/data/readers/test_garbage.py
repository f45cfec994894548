"""Whatever stands in a file, reading ends in a data set or in an error that says what is wrong."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretaste.data import Dataset, inspect, read
from foretaste.errors import DataError

EVENTS = [
    ("canonical", "events.csv"),
    ("canonical", "events.tsv"),
    ("canonical", "events.jsonl"),
    ("canonical", "events.parquet"),
    ("canonical", "events.csv.gz"),
    ("movielens-1m", "ratings.dat"),
    ("movielens-100k", "u.data"),
    ("recbole", "a.inter"),
    ("personalize", "interactions.csv"),
    ("gorse", "feedback.jsonl"),
    ("amazon-reviews", "reviews.json"),
    ("sequences", "sequences.txt"),
]
BEGINNINGS = [
    b"",
    b"user_id,item_id,timestamp,title\n",
    b"user_id\titem_id\ttimestamp\n",
    b"USER_ID,ITEM_ID,TIMESTAMP\n",
    b"user_id:token\titem_id:token\ttimestamp:float\n",
    b'{"user_id":1,"item_id":"a","timestamp":1700000000}\n',
    b'{"FeedbackType":"r","UserId":"u","ItemId":"i","Timestamp":"2024-01-01T00:00:00Z"}\n',
    b'{"reviewerID":"A","asin":"B","overall":5.0,"unixReviewTime":1400000000}\n',
    b"1::2::3::978300760\n",
    b"PAR1",
]
FRAGMENTS = [
    *(b",", b"\t", b"::", b"\n", b"\r\n", b'"', b"'", b" ", b"|", b"\x00", b"\xff", b"\xc3\xa9"),
    *(b"1", b"007", b"-1", b"1e9", b"nan", b"inf", b"1700000000", b"1700000000000", b"abc"),
    *(b"{", b"}", b"[", b"]", b"null", b"true", b'"user_id":', b'"item_id":', b'"timestamp":'),
    *(b"2024-01-01", b"2024-13-45T99:99", b"9" * 30, b"\xef\xbb\xbf", b"{}", b'{"a":{"b":[1]}}'),
]
garbage = st.builds(
    lambda start, parts: start + b"".join(parts),
    st.sampled_from(BEGINNINGS),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=6)), max_size=30),
)


def outcome(folder: str, **options: object) -> Dataset | DataError:
    """What reading gives, or the one kind of error it may end in."""
    try:
        return read(folder, **options)
    except DataError as error:
        return error


@pytest.mark.parametrize(("layout", "name"), EVENTS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=garbage, packed=st.booleans(), lenient=st.booleans())
def test_events(layout: str, name: str, content: bytes, *, packed: bool, lenient: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(gzip.compress(content) if packed and name.endswith(".gz") else content)
        for chosen in (layout, "auto"):
            got = outcome(folder, layout=chosen, lenient=lenient)
            # What one refuses the other reports.
            report = inspect(folder, layout=chosen, lenient=lenient)
            assert report.ok is isinstance(got, Dataset)
            assert report.ok or report.problems
            assert str(report)
            if isinstance(got, Dataset):
                assert report.description == got.describe()


@settings(max_examples=40, deadline=None)
@given(content=garbage, name=st.sampled_from(["items.csv", "items.jsonl", "items.parquet"]))
def test_items(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "events.csv").write_text("user_id,item_id,timestamp\n1,2,1700000000\n")
        (Path(folder) / name).write_bytes(content)
        got = outcome(folder)
        assert len(got) == 1 if isinstance(got, Dataset) else name in str(got.file)


@settings(max_examples=40, deadline=None)
@given(
    cut=st.integers(min_value=0),
    name=st.sampled_from(["events.parquet", "events.csv.gz"]),
    damage=st.binary(min_size=1, max_size=4),
)
def test_damaged_binary_files(cut: int, name: str, damage: bytes) -> None:
    table = pl.DataFrame({"user_id": [1, 2] * 50, "item_id": range(100), "timestamp": range(100)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if name.endswith("parquet"):
            table.write_parquet(path)
        else:
            path.write_bytes(gzip.compress(table.write_csv().encode()))
        whole = path.read_bytes()
        cut %= len(whole)
        for broken in (whole[:cut], whole[:cut] + damage + whole[cut + len(damage) :]):
            path.write_bytes(broken)
            got = outcome(folder)
            assert isinstance(got, Dataset) or got.file == str(path)
