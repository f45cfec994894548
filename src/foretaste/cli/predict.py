"""`foretaste predict`: how likely people are to act on items, pair by pair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import tell


def predict(
    run: Annotated[Path, typer.Argument(help="The run folder of an interest model.")],
    pairs: Annotated[
        str, typer.Option(help="CSV or Parquet: user_id, item_id, context; - reads CSV from stdin.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A .parquet or .csv file, not stdout.")
    ] = None,
) -> None:
    """Say how likely each person is to act on each item, block by block.

    The pairs come back with a column 'probability', or with one named after each of the goals
    where a run has several. Without a column 'timestamp' (milliseconds
    since 1970), it is asked about after all that the run knows.

      foretaste predict runs/interest --pairs pairs.csv
      foretaste predict runs/interest --pairs pairs.parquet -o answers.parquet
      cat pairs.csv | foretaste predict runs/interest --pairs -
    """
    from foretaste.artifacts import open_run
    from foretaste.pipeline import predict_file

    count = predict_file(open_run(run).interest, pairs, output)
    tell(f"Answered {count:,} pairs.")
