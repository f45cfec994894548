"""`foretaste explain`: why a saved model would show an item to a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say

if TYPE_CHECKING:
    from foretaste.ranking.explanation import Explanation

_BAR = 20


def explain(
    run: Annotated[Path, typer.Argument(help="A run folder, as foretaste train writes it.")],
    user: Annotated[str, typer.Option("--user", metavar="ID", help="The person.")],
    item: Annotated[str, typer.Option("--item", metavar="ID", help="The item.")],
    json: JsonFlag = False,
) -> None:
    """Say in plain words why an item is shown to a person, with the figures behind it.

    Only what lowers the item's score when it is left out is named.

    foretaste explain runs/first --user 42 --item i7
    foretaste explain runs/first --user 42 --item i7 --json
    """
    from foretaste.artifacts import open_run
    from foretaste.models.reading import encoder_of
    from foretaste.ranking.explanation import explain as explanation_of

    saved = open_run(run)
    model = saved.model
    found = explanation_of(
        model, saved.items, model.history_of(user), item, encoder=encoder_of(model)
    )
    if json:
        print_json({"run": run, "user_id": user, **found.to_dict()})
    else:
        _show(found)


def _show(found: Explanation) -> None:
    say(f"\nWhy “{found.title}”?\n")
    say(found.reason)
    if not found.evidence:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("what was chosen")
    table.add_column("speaks for it")
    most = max(abs(piece.contribution) for piece in found.evidence) or 1.0
    for piece in found.evidence:
        bar = "█" * round(_BAR * max(piece.contribution, 0) / most)
        table.add_row(Text(piece.title), f"{bar} {piece.contribution:+.3f}")
    say("")
    say(table)
    if found.drop > 0:
        say(f"\nWithout what is named, its score falls from {found.score:.3f} by {found.drop:.3f}.")
