"""JSON Lines: one JSON object a line."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import polars as pl

from foretaste.data.problems import NAMED_ROWS, Findings, Problem, shown
from foretaste.data.readers.raw import (
    REPLACEMENT,
    lines_that_hold_something,
    not_utf8,
    read_bytes,
)
from foretaste.data.readers.table import LinesOf, Table, numbered
from foretaste.errors import DataError


def read_json_lines(
    path: Path, findings: Findings, *, fields: Sequence[str] | None = None
) -> Table:
    """Reads a file of one JSON object a line.

    Args:
        path: The file, gzipped if its name ends in ``.gz``.
        findings: Takes lines that are no JSON object or not UTF-8.
        fields: Read these alone, each as a string (what is nested, as JSON). Else all are read,
            with the types they have; a field of several types becomes a string.

    Raises:
        DataError: The file is empty or damaged, or, if findings are strict, a line is bad.
    """
    content = read_bytes(path)
    if content.lstrip().startswith(b"["):
        raise DataError(
            "it holds a JSON array, not one JSON object a line.",
            file=path,
            hint="Write every element on its own line (jq -c '.[]').",
        )
    lines_of = partial(lines_that_hold_something, path)
    frame = _parse(content, fields)
    if frame is None:
        lines = _sound_lines(content, path, lines_of, findings)
        records = lines["record"]
        frame = _parse("\n".join(lines["text"]).encode(), fields)
    else:
        records = numbered(frame)
    if frame is None:
        raise DataError("its lines can't be read as one table.", file=path)
    return Table(frame, records, path, lines_of, typed=True)


def _parse(content: bytes, fields: Sequence[str] | None) -> pl.DataFrame | None:
    """The table in `content`, or none if a line of it is unsound."""
    schema = None if fields is None else dict.fromkeys(fields, pl.String)
    try:
        return pl.read_ndjson(io.BytesIO(content), schema=schema, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError):
        return None


def _sound_lines(content: bytes, path: Path, lines_of: LinesOf, findings: Findings) -> pl.DataFrame:
    """Columns `text` and `record` of the lines that are JSON objects; the others are problems."""
    bad_bytes = not_utf8(content, path)
    if bad_bytes is not None:
        findings.problem(bad_bytes)
    text = pl.Series("text", content.decode(errors="replace").split("\n"))
    lines = text.filter(text.str.strip_chars() != "").to_frame()
    lines = lines.with_columns(record=numbered(lines))
    if bad_bytes is not None:
        lines = lines.filter(~pl.col("text").str.contains(REPLACEMENT, literal=True))
    # The path "$" finds the whole of a line, and nothing in a line that is no JSON.
    is_object = pl.col("text").str.json_path_match("$").str.starts_with("{").fill_null(value=False)
    bad = lines.filter(~is_object)
    if not bad.is_empty():
        _report(bad, lines_of, len(lines), path, findings)
    return lines.filter(is_object)


def _report(
    bad: pl.DataFrame, lines_of: LinesOf, lines: int, path: Path, findings: Findings
) -> None:
    rows = lines_of(bad["record"].head(NAMED_ROWS).to_list())
    cut = bad["record"][0] == lines and bad["text"][0].lstrip().startswith("{")
    findings.problem(
        Problem(
            "the file seems cut off: its last line is no whole JSON object."
            if cut
            else f"the line is no JSON object: {shown(bad['text'][0])}.",
            file=str(path),
            row=rows[0],
            hint="Copy the file again." if cut else "Write one object a line.",
            count=len(bad),
            rows=tuple(rows),
        )
    )


def fields_of(content: bytes) -> list[str]:
    """The fields of the first object in `content`, the beginning of a file; empty if none."""
    first = next((line for line in content.split(b"\n") if line.strip()), b"")
    try:
        value = json.loads(first)
    except ValueError:
        return []
    return list(cast("dict[str, Any]", value)) if isinstance(value, dict) else []
