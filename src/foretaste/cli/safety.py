"""`foretaste safety`: what a run must not show, by labels and by people's decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from foretaste.cli.output import JsonFlag, print_json, say, tell

if TYPE_CHECKING:
    from foretaste.ranking.safety.review import Decision

safety = typer.Typer(no_args_is_help=True, help="Keep harmful items out of what a run recommends.")

Run = Annotated[Path, typer.Argument(help="A run folder, as foretaste train writes it.")]
Items = Annotated[list[str], typer.Argument(metavar="ITEM...", help="Ids of items in the queue.")]


@safety.command()
def train(
    run: Run,
    labels: Annotated[
        Path, typer.Option(help="CSV or Parquet: item_id, and label (1 harmful, 0 harmless).")
    ],
    block: Annotated[
        float | None, typer.Option(help="Block items at least so likely to be harmful. [0.9]")
    ] = None,
    review: Annotated[
        float | None, typer.Option(help="Items at least so likely wait for a person. [0.5]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw of held-out labels.")] = 0,
    json: JsonFlag = False,
) -> None:
    """Train a classifier of harmful items from labels, measure it, and put it to work.

    It reads items with the encoder of the run, and lies in the run folder. From then on nothing
    it blocks is recommended, found or shown by this run; what it doubts waits for a person.

    foretaste safety train runs/first --labels labels.csv
    foretaste safety train runs/first --labels labels.parquet --block 0.8 --review 0.3
    """
    from foretaste.artifacts import open_run
    from foretaste.pipeline.safety import train_harm

    done = train_harm(open_run(run), labels, tell, block=block, review=review, seed=seed)
    if json:
        counts = {"shown": done.shown, "waiting": done.waiting}
        print_json({"run": run, "report": done.report.to_dict(), **counts})
        return
    say(str(done.report))
    say(f"Items that may still be shown: {done.shown:,}. Waiting for a person: {done.waiting:,}.")
    if done.waiting:
        say(f"Next: foretaste safety list {run}")


@safety.command(name="list")
def list_(
    run: Run,
    decided: Annotated[
        bool, typer.Option("--decided", help="Those that were decided, and how.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """List the items that wait for a person to decide, the likeliest to be harmful first.

    foretaste safety list runs/first
    foretaste safety list runs/first --decided --json
    """
    from foretaste.artifacts import open_run
    from foretaste.pipeline.safety import waiting

    found = waiting(open_run(run), decided=decided)
    if json:
        print_json({"run": run, "items": found.to_dicts()})
        return
    if found.is_empty():
        say("Nothing has been decided yet." if decided else "Nothing waits.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("item", "title", "harmful", "decision"):
        table.add_column(heading)
    for item, title, probability, decision in found.iter_rows():
        table.add_row(Text(item), Text(title or ""), f"{probability:.0%}", decision or "")
    say(table)


@safety.command()
def approve(run: Run, items: Items) -> None:
    """Decide that items of the queue may be shown.

    foretaste safety approve runs/first i7 i9
    """
    _decide(run, items, "allow")


@safety.command()
def reject(run: Run, items: Items) -> None:
    """Decide that items of the queue must not be shown.

    foretaste safety reject runs/first i7 i9
    """
    _decide(run, items, "block")


def _decide(run: Path, items: list[str], decision: Decision) -> None:
    from foretaste.artifacts import open_run
    from foretaste.pipeline.safety import decide

    decide(open_run(run), items, decision)
    done = "may be shown" if decision == "allow" else "will not be shown"
    say(f"{', '.join(items)}: {done}.")
