"""`foretaste check`: what is understood of the data, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foretaste.cli.output import JsonFlag, print_json, say

_CONFIG_SUFFIXES = (".yaml", ".yml")


def check(
    data: Annotated[
        Path, typer.Argument(help="A folder or file of events and items, or a configuration.")
    ],
    json: JsonFlag = False,
) -> None:
    """Say what is understood of the data, and what is wrong, row by row.

    Nothing is trained or written. Exits with 2 when there are problems to mend.

      foretaste check my-data
      foretaste check foretaste.yaml       # with its columns, time unit and cleaning
    """
    from foretaste.data import DataConfig, clean, inspect, read
    from foretaste.pipeline import load_task

    is_config = data.suffix in _CONFIG_SUFFIXES
    config = load_task(data).data if is_config else DataConfig(path=data)
    inspection = inspect(config)
    cleaning = clean(read(config), config.cleaning)[1] if inspection.ok else None
    if json:
        preview = cleaning and cleaning.to_dict()
        print_json({"inspection": inspection.to_dict(), "cleaning": preview})
    else:
        say(str(inspection))
        if cleaning:
            say(f"\n{cleaning}")
    if not inspection.ok:
        raise typer.Exit(2)
