"""Text tables with a character between the columns: CSV, TSV and their kin.

Arrow parses them, because it tells of every row that has too many columns or too few; all values
come as strings, so that no id changes its meaning on the way.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from foretaste.data.problems import NAMED_ROWS, Findings, Problem
from foretaste.data.readers.raw import REPLACEMENT, not_utf8, read_bytes
from foretaste.data.readers.table import Table
from foretaste.errors import DataError

#: A row must fit into a block; a quote that is never closed makes a row of the rest of the file.
_BLOCK_BYTES = 2**24


def read_delimited(
    path: Path,
    findings: Findings,
    *,
    separator: str,
    names: Sequence[str] | None = None,
    quote: str | None = '"',
    encoding: str = "utf-8",
) -> Table:
    """Reads a delimited text file, every value as a string.

    Args:
        path: The file, gzipped if its name ends in ``.gz``.
        findings: Takes rows with the wrong number of columns or that are not UTF-8.
        separator: What stands between columns; longer than one character without quotes only.
        names: The columns of a file without a header.
        quote: What may surround a value that holds a separator or a line break.
        encoding: "utf-8", or "latin-1" for old layouts.

    Raises:
        DataError: The file is empty or damaged, or, if findings are strict, a row is bad.
    """
    content = read_bytes(path)
    bad_bytes = not_utf8(content, path) if encoding == "utf-8" else None
    if bad_bytes is not None:
        findings.problem(bad_bytes)
    if bad_bytes is not None or encoding != "utf-8":
        content = content.decode(encoding, errors="replace").encode()
    body, columns = (content, list(names)) if names else _without_header(content, separator, path)
    if bad_bytes is not None and any(REPLACEMENT in name for name in columns):
        raise bad_bytes.error()
    if len(separator) > 1:
        body, separator = body.replace(separator.encode(), b"\x1f"), "\x1f"
    reader = _Lines(path, separator, quote, has_header=names is None)
    table, ragged = _parse(body, columns, separator, quote, reader)
    _report_ragged(ragged, table, body, findings)
    _refuse_open_quote(table, body, separator, quote)
    return _without_replaced(table) if bad_bytes is not None else table


class _Ragged(Protocol):
    """What Arrow tells of a row that has too many columns or too few."""

    number: int
    expected_columns: int
    actual_columns: int


class _Lines:
    """Finds the lines of records by reading the file again, which only problems make necessary."""

    def __init__(self, path: Path, separator: str, quote: str | None, *, has_header: bool) -> None:
        self.path = path
        self._header = int(has_header)
        self._dialect: dict[str, Any] = {"delimiter": separator}
        if quote is None:
            self._dialect["quoting"] = csv.QUOTE_NONE
        else:
            self._dialect["quotechar"] = quote

    def __call__(self, records: list[int]) -> list[int]:
        content = io.BytesIO(read_bytes(self.path))
        text = io.TextIOWrapper(content, "utf-8", errors="replace", newline="")
        reader = csv.reader(text, **self._dialect)
        wanted = {record + self._header for record in records}
        last = max(wanted, default=0)
        found: dict[int, int] = {}
        number, line = 0, 1
        try:
            for row in reader:
                number += bool(row)
                if row and number in wanted:
                    found[number] = line
                if number >= last:
                    break
                line = reader.line_num + 1
        except csv.Error:
            pass  # A value of more than 128 KiB: the numbers of records have to do.
        return [found.get(record + self._header, record + self._header) for record in records]


def header_of(content: bytes, separator: str) -> list[str]:
    """The names in the first line that is not blank."""
    first = re.search(rb"[^\r\n]+", content)
    text = b"" if first is None else first.group()
    row = next(csv.reader([text.decode(errors="replace")], delimiter=separator), [])
    return [name.strip() for name in row]


def _without_header(content: bytes, separator: str, path: Path) -> tuple[bytes, list[str]]:
    names = header_of(content, separator)
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise DataError(
            f"two columns have the name '{min(twice)}'.",
            file=path,
            row=1,
            field=min(twice),
            hint="Rename one of them.",
        )
    first = re.search(rb"[^\r\n]+", content)
    body = content[0 if first is None else first.end() :]
    if not body.strip():
        raise DataError(
            "there is a header and no row under it.", file=path, hint="Give at least one row."
        )
    return body, [name or f"column_{number}" for number, name in enumerate(names, start=1)]


def _parse(
    body: bytes, names: list[str], separator: str, quote: str | None, lines: _Lines
) -> tuple[Table, list[_Ragged]]:
    ragged: list[_Ragged] = []

    def skip(row: _Ragged) -> str:
        ragged.append(row)
        return "skip"

    try:
        arrow = pa_csv.read_csv(
            pa.py_buffer(body),
            # One thread: only then are rows numbered.
            read_options=pa_csv.ReadOptions(
                use_threads=False, column_names=names, block_size=_BLOCK_BYTES
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=separator,
                quote_char=quote or False,
                newlines_in_values=quote is not None,
                invalid_row_handler=skip,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.large_string() for name in names}
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError(
            f"the rows can't be told apart ({error}).",
            file=lines.path,
            hint="Look for a quotation mark that is never closed.",
        ) from None
    frame = pl.DataFrame(pl.from_arrow(arrow))
    records = pl.int_range(1, len(frame) + len(ragged) + 1, dtype=pl.UInt32, eager=True)
    if ragged:
        records = records.filter(~records.is_in([row.number for row in ragged]))
    return Table(frame, records, lines.path, lines, typed=False), ragged


def _report_ragged(ragged: list[_Ragged], table: Table, body: bytes, findings: Findings) -> None:
    if not ragged:
        return
    first = ragged[0]
    lines = table.lines_of([row.number for row in ragged[:NAMED_ROWS]])
    is_last = first.number == len(table) + len(ragged)
    cut = is_last and first.actual_columns < first.expected_columns and not body.endswith(b"\n")
    counts = f"{first.actual_columns} of {first.expected_columns} columns"
    findings.problem(
        Problem(
            f"the file seems cut off: its last row has {counts}."
            if cut
            else f"the row has {first.actual_columns} columns, not {first.expected_columns}.",
            file=str(table.file),
            row=lines[0],
            hint="Copy the file again." if cut else "Values that hold the separator need quotes.",
            count=len(ragged),
            rows=tuple(lines),
        )
    )


def _refuse_open_quote(table: Table, body: bytes, separator: str, quote: str | None) -> None:
    """Refuses a file that ends within quotes, which a parser takes for a value like any other."""
    if quote is None or not len(table) or body.endswith((b"\n", b"\r")):
        return
    value: str = table.frame[-1, -1]
    opened = quote + value.replace(quote, quote * 2)
    if body.endswith((separator + opened).encode()):
        raise DataError(
            "the file seems cut off: it ends within quotation marks.",
            file=table.file,
            row=table.lines_of([table.records[-1]])[0],
            hint="Copy the file again.",
        )


def _without_replaced(table: Table) -> Table:
    return table.keep(
        table.frame.select(
            ~pl.any_horizontal(pl.all().str.contains(REPLACEMENT, literal=True))
        ).to_series()
    )
