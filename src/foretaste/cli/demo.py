"""`foretaste demo`: the whole way, from logs to recommendations, on a shop made up for it."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.cli.people import show_person

if TYPE_CHECKING:
    from foretaste.pipeline import Trained
    from foretaste.pipeline.demo import Demo

_FOLDER = Path("foretaste-demo")
_MAIN = "NDCG@10"
_OTHERS = ("HR@10", "Coverage@10")


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(help=f"Where everything is written.  [default: {_FOLDER}, or the next free]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the shop: another seed, another shop.")] = 0,
    json: JsonFlag = False,
) -> None:
    """Build a small shop, train, compare with baselines, and recommend.

    Takes a few minutes on two processor cores. The shop's files, the
    configuration and the run stay in the folder, to go on from.

      foretaste demo
      foretaste demo --folder my-demo --seed 1
    """
    from foretaste.data.shop import ShopConfig
    from foretaste.pipeline.demo import make_demo

    made = make_demo(folder or _next_free(_FOLDER), ShopConfig.parse({"seed": seed}), tell)
    if json:
        print_json(_document(made))
    else:
        _show(made)


def _next_free(folder: Path) -> Path:
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(path for path in chain([folder], numbered) if not path.exists())


def _show(made: Demo) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("model", f"{_MAIN} (95% interval)", *_OTHERS, "trained in"):
        table.add_column(heading)
    for one in made.models:
        main = str(one.report.metric(_MAIN))
        others = [f"{one.report.metric(name).value:.4f}" for name in _OTHERS]
        table.add_row(one.model.name, main, *others, f"{one.seconds:.1f} s")
    split = made.models[0].prepared.split
    say(
        f"\nHow well each model foresees what people did next (split {split.kind}, "
        f"{split.fingerprint[:12]}):\n"
    )
    say(table)
    say(f"\n{made.comparison}")
    for person in made.people:
        show_person(person)
    say(f"""
The shop's files    {made.data}
The configuration   {made.config}
The trained model   {made.run}
The comparison      {made.plot}

Go on with:
  foretaste recommend {made.run} --user {made.people[0].name}
  foretaste train {made.config} --set model.name=itemknn""")


def _document(made: Demo) -> dict[str, Any]:
    return {
        "data": made.data,
        "config": made.config,
        "run": made.run,
        "plot": made.plot,
        "models": [_figures(one) for one in made.models],
        "comparison": made.comparison.to_dict(),
        "people": [person.to_dict() for person in made.people],
    }


def _figures(trained: Trained) -> dict[str, Any]:
    return {"seconds": trained.seconds, "report": trained.report.to_dict()}
