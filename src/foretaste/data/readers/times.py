"""Timestamps: seconds, milliseconds, dates in ISO 8601, or nothing but an order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

import polars as pl

from foretaste.data.config import TimeUnit
from foretaste.data.problems import Findings, shown
from foretaste.data.readers.table import Table
from foretaste.data.schema import TIMESTAMP, Clock
from foretaste.errors import DataError

_Unit = Literal["s", "ms", "us"]

#: Milliseconds in a unit.
_MILLISECONDS: Final[dict[_Unit, float]] = {"s": 1000.0, "ms": 1.0, "us": 0.001}
_NAMES: Final[dict[_Unit, str]] = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}

#: Events lie in these years, in milliseconds; read so, no number fits two units.
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp() * 1000
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000

#: Whole numbers from 0 to this are ranks, days, years or the like: as seconds since 1970 they
#: would all fall before May of that year.
_LARGEST_RANK: Final = 10_000_000

_WAY_OUT: Final = "Say what they are with time_unit: s, ms, us, or order if only the order counts."

#: Date, hours and minutes, seconds, zone.
_ISO: Final = (
    r"^\s*(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](\d{2}:\d{2})(?::(\d{2}(?:[.,]\d+)?))?)?"
    r"\s*(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?\s*$"
)


def with_times(table: Table, unit: TimeUnit, findings: Findings) -> tuple[Table, Clock]:
    """Makes `timestamp` int64: milliseconds since 1970 in UTC, or numbers that give an order.

    What numbers count is decided once, from all of them: the unit in which they fall between
    1990 and 2100. Numbers that fit none, or of which some fit one and some another, are refused.

    Args:
        table: Events with a column `timestamp` of text, numbers or dates.
        unit: What numbers count, or "auto".
        findings: Takes rows whose time can't be understood.

    Raises:
        DataError: The column is ambiguous or of a wrong type, or, if findings are strict, a time
            can't be understood.
    """
    values = table[TIMESTAMP]
    if isinstance(values.dtype, pl.Date | pl.Datetime):
        return _from_dates(table, unit, findings)
    if values.dtype == pl.String:
        values = values.str.strip_chars()
        numbers = values.cast(pl.Float64, strict=False)
        if numbers.count() * 2 < (values.is_not_null() & (values != "")).sum():
            return _from_iso(table, unit, findings)
    elif values.dtype.is_numeric() or values.dtype == pl.Null:
        numbers = values.cast(pl.Float64)
    else:
        raise table.error(f"it holds {values.dtype}, which is no time.", column=TIMESTAMP)
    bad = ~numbers.is_finite().fill_null(value=False)
    table = _refuse(table, bad, "{value} is no time.", findings)
    if table.frame.is_empty():
        return table.set(TIMESTAMP, pl.Series([], dtype=pl.Int64)), "order"
    numbers = numbers.filter(~bad)
    if unit == "order":
        return table.set(TIMESTAMP, _order(table[TIMESTAMP], numbers)), "order"
    if unit == "auto":
        return _in_some_unit(table, numbers, findings)
    return table.set(TIMESTAMP, _milliseconds(numbers, unit)), "time"


def in_file_order(table: Table) -> Table:
    """Gives events without times their place in the file."""
    return table.set(TIMESTAMP, table.records.cast(pl.Int64))


def _in_some_unit(table: Table, numbers: pl.Series, findings: Findings) -> tuple[Table, Clock]:
    fits: dict[_Unit, pl.Series] = {
        unit: numbers.is_between(_EARLIEST / factor, _LATEST / factor, closed="left")
        for unit, factor in _MILLISECONDS.items()
    }
    fitting: list[_Unit] = [unit for unit in fits if fits[unit].any()]
    if len(fitting) > 1:
        places = [
            f"{_NAMES[unit]} (row {_line(table, fits[unit])}: "
            f"{shown(table[TIMESTAMP].filter(fits[unit])[0])})"
            for unit in fitting
        ]
        raise table.error(
            f"the times are mixed or ambiguous: some read as {' and others as '.join(places)}.",
            column=TIMESTAMP,
            hint=_WAY_OUT,
        )
    if not fitting:
        return _as_ranks(table, numbers, findings), "order"
    unit = fitting[0]
    outside = ~fits[unit]
    if 2 * int(outside.sum()) > len(outside):
        raise _ambiguous(table, numbers)
    table = _refuse(
        table,
        outside,
        f"{{value}} is outside the years 1990 to 2100 as {_NAMES[unit]}, which the other rows are.",
        findings,
        hint=f"Mend it, or say time_unit: {unit} to take it so and leave it to cleaning.",
    )
    return table.set(TIMESTAMP, _milliseconds(numbers.filter(~outside), unit)), "time"


def _as_ranks(table: Table, numbers: pl.Series, findings: Findings) -> Table:
    whole = numbers.cast(pl.Int64, strict=False)
    largest = max(_LARGEST_RANK, 10 * len(numbers))
    if not ((whole.cast(pl.Float64) == numbers) & whole.is_between(0, largest)).all():
        raise _ambiguous(table, numbers)
    findings.note(
        f"The times are small whole numbers ({whole.min()} to {whole.max()}): they were taken as "
        "an order, not as times."
    )
    return table.set(TIMESTAMP, whole)


def _ambiguous(table: Table, numbers: pl.Series) -> DataError:
    return table.error(
        f"the numbers ({numbers.min():.15g} to {numbers.max():.15g}) could count seconds, "
        "milliseconds or something else: in no unit do they fall between 1990 and 2100.",
        column=TIMESTAMP,
        hint=_WAY_OUT,
    )


def _order(values: pl.Series, numbers: pl.Series) -> pl.Series:
    """Whole numbers as they are; others by their rank."""
    whole = values.cast(pl.Int64, strict=False)
    if whole.null_count() == 0 and (whole.cast(pl.Float64) == numbers).all():
        return whole
    return numbers.rank("dense").cast(pl.Int64)


def _milliseconds(numbers: pl.Series, unit: _Unit) -> pl.Series:
    return (numbers * _MILLISECONDS[unit]).round().cast(pl.Int64)


def _from_dates(table: Table, unit: TimeUnit, findings: Findings) -> tuple[Table, Clock]:
    values = table[TIMESTAMP]
    table = _refuse(table, values.is_null(), "there is no time.", findings)
    if getattr(values.dtype, "time_zone", None) is None:
        _note_no_zone(findings)
    times = table[TIMESTAMP].cast(pl.Datetime("ms")).dt.epoch("ms")
    return table.set(TIMESTAMP, times), "order" if unit == "order" else "time"


def _from_iso(table: Table, unit: TimeUnit, findings: Findings) -> tuple[Table, Clock]:
    parts = (
        table[TIMESTAMP]
        .str.extract_groups(_ISO)
        .struct.rename_fields(["date", "minute", "second", "zone"])
    )
    zone = pl.col("zone").str.replace_all(":", "").str.to_uppercase()
    offset = (
        zone.str.slice(1, 2).cast(pl.Int64, strict=False).fill_null(0) * 60
        + zone.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    ) * pl.when(zone.str.starts_with("-")).then(-60_000).otherwise(60_000)
    local = pl.format(
        "{}T{}:{}",
        "date",
        pl.col("minute").fill_null("00:00"),
        pl.col("second").str.replace(",", ".", literal=True).fill_null("00"),
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", strict=False)
    read = parts.struct.unnest().select(
        time=local.dt.epoch("ms") - offset, no_zone=pl.col("zone").is_null()
    )
    bad = read["time"].is_null()
    table = _refuse(
        table,
        bad,
        "{value} is no time.",
        findings,
        hint="Write times as 2024-05-31T12:00:00Z, or as seconds or milliseconds since 1970.",
    )
    if (read["no_zone"] & ~bad).any():
        _note_no_zone(findings)
    times = read["time"].filter(~bad)
    return table.set(TIMESTAMP, times), "order" if unit == "order" else "time"


def _note_no_zone(findings: Findings) -> None:
    findings.note("Times without a time zone were taken as UTC.")


def _refuse(
    table: Table, bad: pl.Series, message: str, findings: Findings, *, hint: str | None = None
) -> Table:
    hint = hint or "Mend the row, or be lenient to skip such rows."
    return table.refuse(bad, message, findings, column=TIMESTAMP, hint=hint)


def _line(table: Table, rows: pl.Series) -> int:
    return table.lines_of([table.records.filter(rows)[0]])[0]
