"""`foretaste similar`: items like an item, and what makes them so."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say


class By(StrEnum):
    """What likeness is taken from."""

    CONTENT = "content"
    BEHAVIOUR = "behaviour"
    BLEND = "blend"


def similar(
    run: Annotated[Path, typer.Argument(help="A run folder, as foretaste train writes it.")],
    items: Annotated[
        list[str], typer.Option("--item", metavar="ID", help="An item; may be repeated.")
    ],
    k: Annotated[int, typer.Option("-k", help="Neighbours an item.")] = 10,
    by: Annotated[By, typer.Option(help="Likeness of words, of who acted on them, or both.")] = (
        By.BLEND
    ),
    json: JsonFlag = False,
) -> None:
    """List items like an item, by their words, by who acted on them, or both.

    foretaste similar runs/first --item i7 -k 5
    foretaste similar runs/first --item i7 --by content --json
    """
    from foretaste.artifacts import open_run
    from foretaste.pipeline import similar_items

    found = similar_items(open_run(run), items, k, by.value)
    if json:
        print_json({"run": run, "similar": found.to_dicts()})
        return
    for part in found.partition_by("anchor_id", maintain_order=True):
        first = part.row(0, named=True)
        say(f"\nLike {first['anchor_title'] or first['anchor_id']}:")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in ("", "item", "score", "by"):
            table.add_column(heading, justify="right" if heading in ("", "score") else "left")
        for row in part.iter_rows(named=True):
            name = f"{row['title']} ({row['item_id']})" if row["title"] else str(row["item_id"])
            table.add_row(str(row["rank"]), Text(name), f"{row['score']:.3f}", row["source"])
        say(table)
    if found.is_empty():
        say("Nothing is like that.")
