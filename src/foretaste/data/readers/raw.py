"""The bytes of a file, unpacked, and what can be wrong with them."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from foretaste.data.problems import NAMED_ROWS, Problem
from foretaste.errors import DataError

_BOM = b"\xef\xbb\xbf"

#: What stands for a byte that is not UTF-8 once such a file is read all the same.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def read_bytes(path: Path) -> bytes:
    """The contents of a file, unpacked if its name ends in ``.gz``.

    Raises:
        DataError: It can't be opened, holds nothing, or is no whole gzip file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"it can't be read: {error.strerror}.", file=path) from None
    if path.suffix.lower() == ".gz":
        content = _unpacked(content, path)
    content = content.removeprefix(_BOM)
    if not content or content.isspace():
        raise DataError("the file is empty.", file=path, hint="Give at least one row.")
    return content


def _unpacked(content: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(content)
    except EOFError:
        raise DataError(
            "the gzip file is cut off: it ends before its end marker.",
            file=path,
            hint="Copy or download it again.",
        ) from None
    except (OSError, zlib.error) as error:
        raise DataError(
            f"it is no sound gzip file ({error}).",
            file=path,
            hint="Copy it again, or take '.gz' from its name if it is not compressed.",
        ) from None


def not_utf8(content: bytes, path: Path) -> Problem | None:
    """The problem with the lines of `content` that are not UTF-8; none if all are."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        first = error
    else:
        return None
    # Old files end lines with a carriage return alone.
    newline = b"\n" if b"\n" in content else b"\r"
    bad = [
        number
        for number, line in enumerate(content.split(newline), start=1)
        if not line.isascii() and REPLACEMENT in line.decode(errors="replace")
    ]
    return Problem(
        f"the byte 0x{content[first.start]:02x} is not UTF-8.",
        file=str(path),
        row=bad[0],
        hint="Save the file as UTF-8, or be lenient to skip such rows.",
        count=len(bad),
        rows=tuple(bad[:NAMED_ROWS]),
    )


def lines_that_hold_something(path: Path, records: list[int]) -> list[int]:
    """The line of each record in a text file of one record a line, blank lines apart."""
    lines = io.BytesIO(read_bytes(path))
    filled = (number for number, line in enumerate(lines, start=1) if line.strip())
    wanted = set(records)
    last = max(records, default=0)
    found = {
        record: line
        for record, line in zip(range(1, last + 1), filled, strict=False)
        if record in wanted
    }
    return [found.get(record, record) for record in records]
