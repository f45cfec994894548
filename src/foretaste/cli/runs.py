"""`foretaste runs`: the runs there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from foretaste.cli.output import JsonFlag, print_json, say
from foretaste.errors import ArtifactError, InputError


def runs(
    folder: Annotated[Path, typer.Argument(help="The folder of all runs.")] = Path("runs"),
    json: JsonFlag = False,
) -> None:
    """List the runs in a folder: model, figures, split and date.

    foretaste runs
    foretaste runs foretaste-demo/runs --json
    """
    if not folder.is_dir():
        raise InputError("there is no such folder.", file=folder, hint="Train first, or name it.")
    found = [_described(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    if json:
        print_json({"folder": folder, "runs": found})
    else:
        say(_table(found) if found else f"There are no runs in {folder}.")


def _described(path: Path) -> dict[str, Any]:
    from foretaste.artifacts import open_run

    try:
        saved = open_run(path)
    except ArtifactError as error:
        return {"run": path, "problem": error.message}
    return {"run": path, "model": saved.manifest}


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    return table
