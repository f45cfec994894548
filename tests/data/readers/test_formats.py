"""CSV, TSV, JSON Lines and Parquet: what is read, and what is said of what can't be."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data import Dataset, inspect, read
from tests.data.readers.files import HEADER, T0, refusal, rows, write

SUFFIXES = [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"]
words = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\0\ufffd"), max_size=8
).filter(lambda word: word == word.strip() and word != "")


def write_table(table: pl.DataFrame, path: Path) -> None:
    packed = path.suffix == ".gz"
    plain = path.with_suffix("") if packed else path
    match plain.suffix:
        case ".csv":
            table.write_csv(plain)
        case ".tsv":
            table.write_csv(plain, separator="\t")
        case ".parquet":
            table.write_parquet(plain)
        case _:
            table.write_ndjson(plain)
    if packed:
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    n = draw(st.integers(1, 12))
    users = draw(
        st.one_of(
            st.lists(words, min_size=n, max_size=n),
            st.lists(st.integers(-(2**62), 2**62), min_size=n, max_size=n),
        )
    )
    return pl.DataFrame(
        {
            "user_id": users,
            "item_id": draw(st.lists(words, min_size=n, max_size=n)),
            "timestamp": draw(st.lists(st.integers(T0, T0 + 10**6), min_size=n, max_size=n)),
            "event_type": draw(st.lists(st.one_of(st.none(), words), min_size=n, max_size=n)),
        },
        schema_overrides={"event_type": pl.String},
    )


@settings(max_examples=15, deadline=None)
@given(table=tables())
def test_every_format_gives_the_same_data(table: pl.DataFrame) -> None:
    # Text files do not say whether "12" is a number: ids that all look so are.
    for key in ("user_id", "item_id"):
        plain = table[key].cast(pl.String).str.contains(r"^(0|-?[1-9]\d*)$").all()
        table = table.filter(pl.lit(not plain or table[key].dtype == pl.Int64))
    if table.is_empty():
        return
    expected = Dataset.from_tables(table.with_columns(pl.col("timestamp") * 1000))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in SUFFIXES:
            for packed in ("", ".gz"):
                path = Path(folder) / f"events{suffix}{packed}"
                write_table(table, path)
                got = read(path)
                assert got.events.select(table.columns).equals(expected.events)
                assert got.fingerprint == expected.fingerprint


def test_values_keep_their_types_across_formats(tmp_path: Path) -> None:
    items = {"item_id": ["a", "b"], "year": [1999, 2001], "score": [0.5, 2.0], "code": ["01", "2"]}
    for suffix in SUFFIXES:
        folder = tmp_path / suffix[1:]
        write(folder / "events.csv", f"{HEADER}1,a,{T0}\n")
        write_table(pl.DataFrame(items), folder / f"items{suffix}")
        got = read(folder).items
        assert got.to_dict(as_series=False) == items, suffix


def test_quotes_line_breaks_blank_lines_and_carriage_returns(tmp_path: Path) -> None:
    content = (
        f'\ufeffuser_id,item_id,timestamp,note\r\n1,2,{T0},"a, ""b""\r\nc"\r\n\r\n3,4,{T0},\r\n'
    )
    events = read(write(tmp_path / "e.csv", content)).events
    assert events["note"].to_list() == ['a, "b"\r\nc', None]


@pytest.mark.parametrize(
    ("content", "row", "says"),
    [
        (f"{HEADER}1,2,{T0}\n1,2\n1,2,{T0}\n", 3, "2 columns, not 3"),
        (f"{HEADER}1,2,{T0}\n\n\n1,2,{T0},9\n", 5, "4 columns, not 3"),
        (f'{HEADER}"a\nb",2,{T0}\n1,2\n1,2,{T0}\n', 4, "2 columns, not 3"),
        (f"{HEADER}1,2,{T0}\n1,2", 3, "cut off"),
        (f'{HEADER}1,2,{T0}\n1,2,"17000', 3, "within quotation marks"),
        (f"{HEADER}1,2,{T0}\n1,,{T0}\n", 3, "id is empty"),
        (f"{HEADER}1,2,{T0}\n1, ,{T0}\n", 3, "id is empty"),
        (f'{HEADER}"a\nb",2,{T0}\n1,2,soon\n', 4, "'soon' is no time"),
        (f"\n{HEADER}1,2,{T0}\n1,2,soon\n", 4, "'soon' is no time"),
        (f"{HEADER}1,é,{T0}\n".encode() + b"1,\xe9,1700000000\n", 3, "0xe9 is not UTF-8"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le"), 1, "not UTF-8"),
    ],
)
def test_bad_rows_of_text_are_named_by_their_line(
    tmp_path: Path, content: str | bytes, row: int, says: str
) -> None:
    path = write(tmp_path / "events.csv", content)
    error = refusal(path)
    assert error.file == str(path)
    assert error.row == row
    assert says in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"user_id": 1, "item_id": 2, "times', "cut off"),
        ("[1, 2]", "no JSON object"),
        ("user_id: 1", "no JSON object"),
        ('{"user_id": null, "item_id": 2, "timestamp": 1700000000}', "id is empty"),
        ('{"item_id": 2, "timestamp": 1700000000}', "id is empty"),
    ],
)
def test_bad_lines_of_json_are_named(tmp_path: Path, line: str, says: str) -> None:
    good = json.dumps({"user_id": 1, "item_id": 2, "timestamp": T0})
    error = refusal(write(tmp_path / "e.jsonl", f"{good}\n\n{good}\n{line}"))
    assert error.row == 4
    assert says in error.message


def test_json_keeps_numbers_and_strings_apart(tmp_path: Path) -> None:
    line = '{{"user_id": {0}, "item_id": "7", "timestamp": 1700000000}}\n'
    dataset = read(write(tmp_path / "e.jsonl", line.format(1)))
    assert dataset.events.schema["user_id"] == pl.Int64
    assert dataset.events.schema["item_id"] == pl.String
    mixed = read(write(tmp_path / "f.jsonl", line.format(1) + line.format('"x"')))
    assert mixed.events["user_id"].to_list() == ["1", "x"]


@pytest.mark.parametrize("name", ["events.csv", "events.jsonl", "events.parquet", "events.csv.gz"])
@pytest.mark.parametrize("content", ["", "\n \n"])
def test_empty_files(tmp_path: Path, name: str, content: str) -> None:
    assert refusal(write(tmp_path / name, content)).file == str(tmp_path / name)


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    assert "no row" in refusal(write(tmp_path / "events.csv", HEADER)).message


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "events.csv", "user_id,item_id,ts,ts\n1,2,3,4\n"))
    assert "two columns" in error.message
    assert error.field == "ts"


@pytest.mark.parametrize("keep", [0.3, 0.99])
@pytest.mark.parametrize("name", ["events.csv.gz", "events.parquet", "events.parquet.gz"])
def test_files_cut_in_half(tmp_path: Path, name: str, keep: float) -> None:
    path = tmp_path / name
    write_table(pl.DataFrame({"user_id": range(500), "item_id": 1, "timestamp": T0}), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    assert "cut off" in refusal(path).message


def test_what_is_no_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    path.write_text(f"{HEADER}1,2,{T0}\n")
    assert "gzip" in refusal(path).message


def test_a_json_array_is_refused(tmp_path: Path) -> None:
    assert "JSON array" in refusal(write(tmp_path / "events.json", '[{"user_id": 1}]')).message


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "events.xlsx", "PK"))
    assert "no known format" in error.message
    assert ".csv" in (error.hint or "")


BAD = (
    f"{HEADER}1,2,{T0}\n,2,{T0}\n1,2,soon\n1,2\n".encode()
    + b"1,\xff,1700000000\n"
    + f"3,4,{T0}\n5,6,never\n".encode()
)


def test_rows_that_are_not_utf8_are_counted(tmp_path: Path) -> None:
    good = f"1,2,{T0}\n".encode()
    path = write(tmp_path / "events.csv", HEADER.encode() + (good + b"\xff,2,3\n") * 7)
    (problem,) = inspect(path).problems
    assert (problem.count, problem.rows) == (7, (3, 5, 7, 9, 11))
    assert len(read(path, lenient=True)) == 7


def test_lenience_skips_and_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "events.csv", BAD)
    dataset = read(path, lenient=True)
    assert rows(dataset) == [(1, 2, T0 * 1000), (3, 4, T0 * 1000)]
    notes = "\n".join(dataset.notes)
    assert "Skipped 2 rows" in notes
    assert "'soon' is no time" in notes
    assert notes.count("Skipped 1 row:") == 3


def test_inspection_lists_all_that_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "events.csv", BAD)
    report = inspect(path)
    assert not report.ok
    assert {(p.row, p.field, p.count) for p in report.problems} == {
        (6, None, 1),
        (5, None, 1),
        (3, "user_id", 1),
        (4, "timestamp", 2),
    }
    assert next(p.rows for p in report.problems if p.count == 2) == (4, 8)
    assert "also in rows 8" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["problems"]
    assert inspect(path, lenient=True).ok


def test_lenience_in_json_lines(tmp_path: Path) -> None:
    good = json.dumps({"user_id": 1, "item_id": 2, "timestamp": T0})
    content = f"{good}\n{{\n{good}\n".encode() + b'{"user_id": "\xff"}\n'
    path = write(tmp_path / "events.jsonl", content)
    assert len(read(path, lenient=True)) == 2
    assert {(p.row, p.count) for p in inspect(path).problems} == {(2, 1), (4, 1)}
