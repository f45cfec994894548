"""Parquet files."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from foretaste.data.readers.raw import read_bytes
from foretaste.data.readers.table import Table, numbered, same_lines
from foretaste.errors import DataError

_MARK = b"PAR1"

#: What a damaged file can end in. Polars panics on names of columns that are not UTF-8.
_DAMAGE = (
    pa.ArrowException,
    OSError,
    ValueError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)


def read_parquet(path: Path) -> Table:
    """Reads a Parquet file, gzipped as a whole if its name ends in ``.gz``.

    Raises:
        DataError: It is no whole Parquet file, or holds no row.
    """
    source = io.BytesIO(read_bytes(path)) if path.suffix.lower() == ".gz" else path
    try:
        frame = _read(source)
    except _DAMAGE as error:
        raise _damaged(path, error) from None
    if frame.is_empty():
        raise DataError("the table has no rows.", file=path, hint="Give at least one row.")
    return Table(frame, numbered(frame), path, same_lines, typed=True)


def _read(source: Path | io.BytesIO) -> pl.DataFrame:
    # Polars trusts what Arrow hands over; in a damaged file not even text need be text.
    arrow = pq.read_table(source).replace_schema_metadata(None)
    arrow.validate(full=True)
    return pl.DataFrame(pl.from_arrow(arrow))


def parquet_columns(path: Path) -> list[str]:
    """The columns of a Parquet file; empty if it can't be read."""
    try:
        return pq.read_schema(path).names
    except _DAMAGE:
        return []


def _damaged(path: Path, error: BaseException) -> DataError:
    content = read_bytes(path)
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    cut = content.startswith(_MARK) and not content.endswith(_MARK)
    return DataError(
        "the Parquet file is cut off: its end mark is missing."
        if cut
        else f"it is no sound Parquet file ({reason}).",
        file=path,
        hint="Copy or write it again.",
    )
