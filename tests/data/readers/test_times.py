"""What the timestamp column is taken for, and when it is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data.config import TimeUnit
from foretaste.data.problems import Findings
from foretaste.data.readers.table import Table, numbered, same_lines
from foretaste.data.readers.times import with_times
from foretaste.data.schema import Clock
from foretaste.errors import DataError

MS = 1_700_000_000_123
moments = st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31))


def times_of(
    values: list[object] | pl.Series, unit: TimeUnit = "auto", *, strict: bool = True
) -> tuple[list[int], Clock, Findings]:
    findings = Findings(strict=strict)
    frame = pl.DataFrame({"timestamp": values})
    table = Table(frame, numbered(frame), Path("events.csv"), same_lines, typed=False)
    got, clock = with_times(table, unit, findings)
    assert got["timestamp"].dtype == pl.Int64
    return got["timestamp"].to_list(), clock, findings


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1700000000"], 1_700_000_000_000),
        (["1700000000.123"], MS),
        ([1_700_000_000.123], MS),
        ([1_700_000_000], 1_700_000_000_000),
        (["1700000000123"], MS),
        ([MS], MS),
        (["1700000000123456"], MS),
        (["2023-11-14T22:13:20.123Z"], MS),
        (["2023-11-14T22:13:20,123+00:00"], MS),
        (["2023-11-15 00:13:20.123 +0200"], MS),
        (["2023-11-14T16:43:20.123-05:30"], MS),
        ([" 2023-11-14 22:13 "], 1_699_999_980_000),
        (["2023-11-14"], 1_699_920_000_000),
        ([date(2023, 11, 14)], 1_699_920_000_000),
        ([datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)], MS),
    ],
)
def test_every_way_to_write_a_time(values: list[object], expected: int) -> None:
    times, clock, _ = times_of(values)
    assert times == [expected]
    assert clock == "time"


@settings(max_examples=50, deadline=None)
@given(st.lists(moments, min_size=1, max_size=20))
def test_all_ways_agree(moments: list[datetime]) -> None:
    utc = [moment.replace(tzinfo=UTC, microsecond=0) for moment in moments]
    seconds = [round(moment.timestamp()) for moment in utc]
    ways: list[list[object]] = [
        [str(s) for s in seconds],
        [s * 1000 for s in seconds],
        [float(s) for s in seconds],
        [moment.isoformat() for moment in utc],
        list(utc),
    ]
    for way in ways:
        assert times_of(way)[:2] == ([s * 1000 for s in seconds], "time")


def test_zones_are_noted_where_they_lack() -> None:
    assert times_of(["2024-01-01T00:00:00Z"])[2].notes == []
    assert "UTC" in times_of(["2024-01-01"])[2].notes[0]
    assert "UTC" in times_of(pl.Series([datetime(2024, 1, 1)]))[2].notes[0]


def test_small_whole_numbers_are_an_order() -> None:
    times, clock, findings = times_of(["2", "0", "17"])
    assert (times, clock) == ([2, 0, 17], "order")
    assert "order" in findings.notes[0]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["1700000000", "1700000000000"], "mixed or ambiguous"),
        (["1700000000000", "1700000000000000"], "mixed or ambiguous"),
        (["300000000", "300000001"], "could count seconds, milliseconds"),
        (["-5", "3"], "could count"),
        (["0.5", "1.5"], "could count"),
        (["20000000000", "90000000000"], "could count"),
        (["1700000000", "1", "2", "3"], "could count"),
    ],
)
def test_what_could_be_several_things_is_refused(values: list[object], says: str) -> None:
    for strict in (True, False):
        with pytest.raises(DataError, match=says) as caught:
            times_of(values, strict=strict)
        assert caught.value.field == "timestamp"
        assert "time_unit" in (caught.value.hint or "")


def test_the_user_decides_what_is_ambiguous() -> None:
    assert times_of(["300000000", "5"], "s")[0] == [300_000_000_000, 5_000]
    assert times_of(["300000000", "5"], "ms")[0] == [300_000_000, 5]
    assert times_of(["3000000", "5000"], "us")[0] == [3_000, 5]
    assert times_of(["300000000", "5"], "order")[:2] == ([300_000_000, 5], "order")
    assert times_of(["0.5", "-1.5", "0.5"], "order")[:2] == ([2, 1, 2], "order")
    assert times_of(["2024-01-02Z", "2024-01-01Z"], "order")[1] == "order"


@pytest.mark.parametrize(
    "bad",
    ["", "soon", None, "nan", "inf", "0", "-1700000000", "2024-01-01"],
)
def test_single_bad_values_among_seconds(bad: str | None) -> None:
    values: list[object] = ["1700000000", bad, "1700000001"]
    with pytest.raises(DataError) as caught:
        times_of(values)
    assert caught.value.row == 2
    times, clock, findings = times_of(values, strict=False)
    assert (times, clock) == ([1_700_000_000_000, 1_700_000_001_000], "time")
    assert [problem.count for problem in findings.problems] == [1]


@pytest.mark.parametrize("bad", ["2024-13-01", "2024-02-30", "2024-01-01T25:00", "01/02/2024", "5"])
def test_single_bad_values_among_dates(bad: str) -> None:
    values: list[object] = ["2024-01-01", "2024-01-02", bad]
    with pytest.raises(DataError) as caught:
        times_of(values)
    assert caught.value.row == 3
    assert len(times_of(values, strict=False)[0]) == 2


def test_types_that_are_no_times_are_refused() -> None:
    with pytest.raises(DataError, match="no time"):
        times_of([True])
    with pytest.raises(DataError, match="no time"):
        times_of([[1]])
