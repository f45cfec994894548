"""`foretaste init`: a commented configuration from the data it sees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from foretaste.cli.output import say
from foretaste.errors import InputError


def init(
    data: Annotated[Path, typer.Argument(help="A folder or file of events and items.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it.")] = Path(
        "foretaste.yaml"
    ),
    task: Annotated[
        Literal["recommend", "interest"], typer.Option(help="What is to be foreseen.")
    ] = "recommend",
) -> None:
    """Write a commented configuration from the data it sees.

    The file says what each setting means, and is there to be edited.

      foretaste init my-data
      foretaste init my-data -o shop.yaml
      foretaste init my-data -o interest.yaml --task interest
    """
    from foretaste.pipeline import interest_starter_config, starter_config

    if output.exists():
        raise InputError(
            "there is such a file already.", file=output, hint="Choose another with -o."
        )
    write = interest_starter_config if task == "interest" else starter_config
    output.write_text(write(data, output.parent), encoding="utf-8")
    say(f"Wrote {output}. Next: foretaste check {output}")
