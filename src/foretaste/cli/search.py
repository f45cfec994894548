"""`foretaste search`: what a run's catalogue has for a query, in the order that suits a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say

if TYPE_CHECKING:
    from foretaste.search import SearchResult


def search(
    run: Annotated[Path, typer.Argument(help="A run folder, as foretaste train writes it.")],
    query: Annotated[str, typer.Argument(help="What is searched for, in any script.")],
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="Who searches.")] = None,
    slider: Annotated[
        float | None,
        typer.Option(help="With --user, how much the order is theirs: 0 not at all, 1 wholly."),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Items at most.")] = 10,
    json: JsonFlag = False,
) -> None:
    """Search the catalogue by words and, where the model reads content, by meaning.

    foretaste search runs/first "desk lamp"
    foretaste search runs/first "desk lamp" --user 42 --slider 0.5 --json
    """
    from foretaste.artifacts import open_run
    from foretaste.models.reading import encoder_of
    from foretaste.pipeline import safe_items
    from foretaste.search import SLIDER, SearchEngine, Seeker

    saved = open_run(run)
    model = saved.model
    seeker = Seeker(model, () if user is None else model.history_of(user))
    engine = SearchEngine(saved.items, encoder=encoder_of(model))
    if slider is None:
        slider = 0.0 if user is None else SLIDER
    allowed = safe_items(saved).to_list()
    found = engine.search(query, k, seeker=seeker, slider=slider, allowed=allowed)
    titles = _titles(saved.items)
    if json:
        print_json({"run": run, "query": query, "user_id": user, **found.to_dict()})
    else:
        _show(found, titles)


def _titles(items: Any) -> dict[Any, str]:
    if "title" not in items.columns:
        return {}
    return dict(items.select("item_id", "title").iter_rows())


def _show(found: SearchResult, titles: dict[Any, str]) -> None:
    if found.reason:
        say(found.reason)
    for name, guesses in found.intent.guesses.items():
        if guesses:
            said = ", ".join(f"{guess.value} ({guess.probability:.0%})" for guess in guesses)
            say(f"Likely {name}: {said}")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", justify="right")
    table.add_column("found")
    table.add_column("by")
    for row in found.items.iter_rows(named=True):
        title = titles.get(row["item_id"])
        shown = f"{title} ({row['item_id']})" if title else str(row["item_id"])
        table.add_row(str(row["rank"]), Text(shown), row["source"])
    say(table)
