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


def read_parquet(path: Path) -> Table:
    """Reads a Parquet file, gzipped as a whole if its name ends in ``.gz``.

    Raises:
        DataError: It is no whole Parquet file, or holds no row.
    """
    packed = path.suffix.lower() == ".gz"
    try:
        # Arrow checks what it reads; a damaged file must end in an error and nothing worse.
        arrow = pq.read_table(io.BytesIO(read_bytes(path)) if packed else path)
        frame = pl.DataFrame(pl.from_arrow(arrow))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise _damaged(path, error) from None
    if frame.is_empty():
        raise DataError("the table has no rows.", file=path, hint="Give at least one row.")
    return Table(frame, numbered(frame), path, same_lines, typed=True)


def parquet_columns(path: Path) -> list[str]:
    """The columns of a Parquet file; empty if it can't be read."""
    try:
        return pq.read_schema(path).names
    except (pa.ArrowException, OSError, ValueError):
        return []


def _damaged(path: Path, error: Exception) -> DataError:
    content = read_bytes(path)
    cut = content.startswith(_MARK) and not content.endswith(_MARK)
    return DataError(
        "the Parquet file is cut off: its end mark is missing."
        if cut
        else f"it is no sound Parquet file ({str(error).splitlines()[0]}).",
        file=path,
        hint="Copy or write it again.",
    )
