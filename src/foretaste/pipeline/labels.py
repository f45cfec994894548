"""Labels of items that people give: which are harmful."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from foretaste.data import PADDING, Vocabulary
from foretaste.data.problems import Findings
from foretaste.data.readers.delimited import read_delimited
from foretaste.data.readers.parquet import read_parquet
from foretaste.data.readers.table import Table
from foretaste.data.readers.values import with_ids
from foretaste.data.schema import ITEM_ID, LABEL
from foretaste.errors import DataError

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_TRUE, _FALSE = ["1", "1.0", "true"], ["0", "0.0", "false"]


def read_labels(path: Path, items: Vocabulary) -> pl.DataFrame:
    """Reads labels of items.

    Args:
        path: A CSV, TSV or Parquet file with the columns `item_id` and `label`: 1 or true for
            harmful, 0 or false for harmless.
        items: The items that can have labels.

    Returns:
        Columns `item_id`, as `items` has it, and `label`, bool; every item once.

    Raises:
        DataError: The file can't be read, a column is missing, an item unknown, or a label neither
            of these, or another than the item has in an earlier row.
    """
    findings = Findings(strict=True)
    table = _read(path, findings)
    for column in (ITEM_ID, LABEL):
        if column not in table:
            raise table.error(
                "there is no such column.", column=column, hint=f"Give {ITEM_ID} and {LABEL}."
            )
    table = with_ids(table, ITEM_ID, findings)
    codes = pl.Series(items.encode(table[ITEM_ID]))
    table.refuse(codes == PADDING, "{value} is no item of the run.", findings, column=ITEM_ID)
    said = table[LABEL].cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("")
    wrong = ~said.is_in(_TRUE + _FALSE)
    table.refuse(wrong, "{value} is neither 1 nor 0.", findings, column=LABEL)
    found = pl.DataFrame({"code": codes, LABEL: said.is_in(_TRUE)})
    first = found[LABEL].eq(found.select(pl.col(LABEL).first().over("code")).to_series())
    table.refuse(
        ~first, "{value} is not what an earlier row says of the item.", findings, column=LABEL
    )
    once = found.unique("code", keep="first", maintain_order=True)
    return once.select(items.decode(once["code"].to_numpy()).alias(ITEM_ID), LABEL)


def _read(path: Path, findings: Findings) -> Table:
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind in {".parquet", ".pq"}:
        return read_parquet(path)
    if kind not in _SEPARATORS:
        raise DataError(
            f"'{path.suffix}' is no format of labels.", file=path, hint="Give a .csv or .parquet."
        )
    return read_delimited(path, findings, separator=_SEPARATORS[kind])
