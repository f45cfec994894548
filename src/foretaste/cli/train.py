"""`foretaste train`: from a configuration to a run folder."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foretaste.cli.output import JsonFlag, print_json, say, tell
from foretaste.errors import InputError

if TYPE_CHECKING:
    from foretaste.pipeline import InterestRunConfig

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
    json: JsonFlag = False,
) -> None:
    """Train a model, measure it on held-out events, and write runs/<name>/.

    A training that was stopped goes on after its last whole epoch when the command is given again.

    foretaste train foretaste.yaml
    foretaste train foretaste.yaml --name first
    foretaste train foretaste.yaml --set model.name=als --set evaluation.ks=[5,10]
    """
    from foretaste import pipeline

    run_config = pipeline.load_task(config, settings or [])
    if isinstance(run_config, pipeline.InterestRunConfig):
        _interest(run_config, name, runs, json)
        return
    folder = _folder(runs, name, run_config.model.name)
    prepared = pipeline.prepare(run_config, tell)
    tell(str(prepared.cleaning))
    tell(f"Split: {prepared.split.kind}, fingerprint {prepared.split.fingerprint}")
    done = pipeline.train(run_config, prepared, tell, checkpoints=runs / _CHECKPOINTS)
    done.save(folder)
    if json:
        print_json(
            {
                "run": folder,
                "seconds": done.seconds,
                "cleaning": prepared.cleaning.to_dict(),
                "report": done.report.to_dict(),
            }
        )
    else:
        say(str(done.report))
        say(f"\nSaved to {folder}. Next: foretaste recommend {folder} --user ID")


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
