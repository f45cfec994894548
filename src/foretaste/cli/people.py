"""How a person and what they are recommended are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from foretaste.cli.output import say

if TYPE_CHECKING:
    from foretaste.pipeline import Person


def show_person(person: Person) -> None:
    """Prints what was seen of somebody, and their recommendations with titles."""
    who = "Somebody new" if person.name is None else f"User {person.name}"
    events = f"{person.events:,} event{'' if person.events == 1 else 's'}"
    say(f"\n{who}: {events} seen{', the latest:' if person.events else '.'}")
    for row in person.recent.iter_rows(named=True):
        say(f"  - {_named(row)}")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", justify="right")
    table.add_column("recommended")
    table.add_column("score", justify="right")
    for row in person.recommendations.iter_rows(named=True):
        table.add_row(str(row["rank"]), Text(_named(row)), f"{row['score']:.3f}")
    say(table)
    if person.note is not None:
        say(person.note)
    sources = person.recommendations["source"]
    if len(sources) and (sources == "popularity").all():
        say("These are the most popular items.")


def _named(row: dict[str, Any]) -> str:
    return f"{row['title']} ({row['item_id']})" if row["title"] else str(row["item_id"])
