"""`foretaste evaluate`: a saved run, measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import JsonFlag, print_json, say, tell


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder, as foretaste train writes it.")],
    data: Annotated[
        Path | None, typer.Option(help="Where the run's data lies now, if it was moved.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Measure a saved model again, on the split it was made with.

    The split is rebuilt from the data; data that has changed is refused.

      foretaste evaluate runs/first
      foretaste evaluate runs/first --json > report.json
    """
    from foretaste.pipeline import evaluate_again

    report = evaluate_again(run, tell, data=data)
    if json:
        print_json(report.to_dict())
    else:
        say(str(report))
