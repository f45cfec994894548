"""Items that a person should look at, and what they decided: a JSON Lines file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from foretaste.data.schema import ITEM_ID
from foretaste.errors import DataError, UnknownIdError
from foretaste.ranking.keeping import replacing

Decision = Literal["allow", "block"]

DECISION = "decision"

_PROBABILITY = "probability"


class ReviewQueue:
    """A queue with one line an item: `item_id`, `probability` of harm, and `decision`.

    The decision is null until somebody makes it "allow" or "block", with `decide` or in an
    editor. The file is replaced in one step, so a reader never sees half of it; it is meant for
    one writer at a time.

    Args:
        path: The file; it is made when the first item comes.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def read(self) -> pl.DataFrame:
        """All of it.

        Raises:
            DataError: The file can't be understood.
        """
        schema = {ITEM_ID: pl.String, _PROBABILITY: pl.Float64, DECISION: pl.String}
        if not self.path.exists():
            return pl.DataFrame(schema=schema)
        try:
            with self.path.open("rb") as file:
                table = pl.read_ndjson(file, schema=schema)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"this is no review queue: {error}.", file=self.path) from None
        wrong = table.filter(~pl.col(DECISION).is_in(["allow", "block"]))
        if not wrong.is_empty():
            raise DataError(
                f"a decision is 'allow', 'block' or null, not {wrong[DECISION][0]!r}.",
                file=self.path,
                field=DECISION,
            )
        return table

    def add(self, items: pl.Series, probabilities: pl.Series) -> None:
        """Puts items in line; those already there stay as they are."""
        there = self.read()
        new = pl.DataFrame(
            {ITEM_ID: items.cast(pl.String), _PROBABILITY: probabilities.cast(pl.Float64)}
        ).with_columns(pl.lit(None, pl.String).alias(DECISION))
        new = new.join(there, on=ITEM_ID, how="anti")
        if not new.is_empty():
            self._write(pl.concat([there, new.sort(_PROBABILITY, descending=True)]))

    def decide(self, items: Sequence[str | int], decision: Decision) -> None:
        """Writes down what a person decided of items, of all or none.

        Raises:
            UnknownIdError: An item is not in the queue.
        """
        table = self.read()
        wanted = pl.Series([str(item) for item in items], dtype=pl.String)
        unknown = wanted.filter(~wanted.is_in(table[ITEM_ID].to_list()))
        if not unknown.is_empty():
            raise UnknownIdError(f"the item {unknown[0]!r} is not in the queue.", file=self.path)
        these = pl.col(ITEM_ID).is_in(wanted.to_list())
        decided = pl.when(these).then(pl.lit(decision)).otherwise(pl.col(DECISION))
        self._write(table.with_columns(decided.alias(DECISION)))

    def _write(self, table: pl.DataFrame) -> None:
        with replacing(self.path) as partial, partial.open("wb") as file:
            table.write_ndjson(file)
