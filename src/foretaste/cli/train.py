"""`foretaste train`: from a configuration to a run folder."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.errors import InputError

if TYPE_CHECKING:
    from foretaste.pipeline import InterestRunConfig, Refreshed

_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")

#: Where a training that is stopped leaves its state; runs have no such name.
_CHECKPOINTS = ".checkpoints"


def train(
    config: Annotated[Path, typer.Argument(help="A configuration; see foretaste init.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Goes before the file's setting."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the run; by default the model and the time.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Learn on from this run, whose data has grown, in place of training afresh.",
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Train a model, measure it on held-out events, and write runs/<name>/.

    A training that was stopped goes on after its last whole epoch when the command is given again.

    With --from, the model of a run learns on from the events that came since, which takes a part
    of the time; what it forgot meanwhile of the people without any is measured and told.

    foretaste train foretaste.yaml
    foretaste train foretaste.yaml --name first
    foretaste train foretaste.yaml --set model.name=als --set evaluation.ks=[5,10]
    foretaste train foretaste.yaml --from runs/first --name second
    """
    from foretaste import pipeline
    from foretaste.artifacts import open_run
    from foretaste.artifacts.later import carry_over

    run_config = pipeline.load_task(config, settings or [])
    if isinstance(run_config, pipeline.InterestRunConfig):
        if start is not None:
            raise InputError(
                "an interest model can't learn on.", field="--from", hint="Train it afresh."
            )
        _interest(run_config, name, runs, json)
        return
    folder = _folder(runs, name, run_config.model.name)
    prepared = pipeline.prepare(run_config, tell)
    tell(str(prepared.cleaning))
    tell(f"Split: {prepared.split.kind}, fingerprint {prepared.split.fingerprint}")
    refreshed = None
    if start is None:
        done = pipeline.train(run_config, prepared, tell, checkpoints=runs / _CHECKPOINTS)
        done.save(folder)
    else:
        earlier = open_run(start)
        refreshed = pipeline.refresh(run_config, earlier, prepared, tell)
        done = refreshed.trained
        done.save(folder)
        carry_over(earlier, folder)
    if json:
        print_json(
            {
                "run": folder,
                "seconds": done.seconds,
                "cleaning": prepared.cleaning.to_dict(),
                "report": done.report.to_dict(),
                "learnt_on": None if refreshed is None else _learnt_on(refreshed),
            }
        )
    else:
        say(str(done.report))
        if refreshed is not None:
            _say_learnt_on(refreshed)
        say(f"\nSaved to {folder}. Next: foretaste recommend {folder} --user ID")


def _learnt_on(refreshed: Refreshed) -> dict[str, Any]:
    forgetting = refreshed.forgetting
    return {
        "events": refreshed.events,
        "items": refreshed.items,
        "forgetting": None if forgetting is None else forgetting.to_dict(),
    }


def _say_learnt_on(refreshed: Refreshed) -> None:
    say(f"\nLearnt from {refreshed.events:,} new events; {refreshed.items:,} items are new.")
    if refreshed.forgetting is None:
        say("Everybody in the test had new events, so nothing says what was forgotten.")
        return
    [change] = refreshed.forgetting.differences
    say(f"For the {change.users:,} people without new events, before -> after:\n  {change}")


def _interest(config: InterestRunConfig, name: str | None, runs: Path, json: bool) -> None:
    from foretaste import pipeline

    folder = _folder(runs, name, "interest")
    report = pipeline.train_interest(config, folder, tell)
    if json:
        print_json({"run": folder, "report": report.to_dict()})
    else:
        say(str(report))
        say(f"\nSaved to {folder}. Next: foretaste predict {folder} --pairs FILE")


def _folder(runs: Path, name: str | None, model: str) -> Path:
    """Where the run goes, if it can go there."""
    by_default = f"{model}-{datetime.now():%Y%m%d-%H%M%S}"
    folder = runs / plain_name(by_default if name is None else name)
    if folder.exists():
        raise InputError("there is such a run already.", file=folder, hint="Choose another --name.")
    return folder


def plain_name(name: str) -> str:
    """The name, if it can be that of a folder in the folder of all runs.

    Raises:
        InputError: It can't.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise InputError(
            f"'{name}' is no plain name: letters, digits, '-', '_' and '.' inside.",
            field="--name",
            hint="The folder to put the run in is --runs.",
        )
    return name
