"""The command `foretaste`: its sub-commands, and what becomes of errors."""

from __future__ import annotations

import os
import re
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, Exit, TyperException

from foretaste.cli import (
    check,
    compare,
    demo,
    doctor,
    encoders,
    evaluate,
    explain,
    init,
    keys,
    models,
    predict,
    pretrain,
    recommend,
    runs,
    safety,
    search,
    serve,
    similar,
    train,
)
from foretaste.cli.output import complain, say, set_up_logging
from foretaste.errors import ForetasteError

_DEBUG = "FORETASTE_DEBUG"


class Commands(TyperGroup):
    """Turns errors into one line on stderr and an exit code: 1 failed, 2 bad input."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; a traceback is shown only where it was asked for."""
        try:
            return super().invoke(ctx)
        except (Exit, Abort, TyperException, KeyboardInterrupt):
            raise
        except Exception as error:
            if ctx.params.get("debug") or os.environ.get(_DEBUG):
                raise
            complain(_in_one_line(error))
            raise Exit(error.exit_code if isinstance(error, ForetasteError) else 1) from None


#: How the loader of libraries says that one is not there.
_NO_LIBRARY = re.compile(r"(\S+\.so[\d.]*): cannot open shared object file")
#: Packages of Debian that bring what slim systems lack.
_PACKAGES = {"libgomp.so.1": "libgomp1"}


def _in_one_line(error: Exception) -> str:
    if isinstance(error, (ImportError, OSError)) and (found := _NO_LIBRARY.search(str(error))):
        package = _PACKAGES.get(found[1])
        way_out = f": apt-get install {package}" if package else "."
        return f"this needs the library {found[1]}, which the system lacks. Install it{way_out}"
    if isinstance(error, (ForetasteError, OSError)):
        return str(error)
    return (
        f"this is a bug in Foretaste ({type(error).__name__}: {error}). Please report it with "
        f"what is printed when you run the same again with {_DEBUG}=1."
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"foretaste {metadata.version('foretaste')}")
        raise Exit


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def foretaste(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print it.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help=f"Show tracebacks of errors; as does {_DEBUG}=1.")
    ] = False,
) -> None:
    """Recommendations from a folder of logs and a catalogue, measured.

    A first look, on a shop that is made up for it:

      foretaste demo

    Your own data, step by step:

      foretaste init my-data           # writes foretaste.yaml
      foretaste check foretaste.yaml   # what was understood, what is wrong
      foretaste train foretaste.yaml   # trains, measures, writes runs/<name>/
      foretaste recommend runs/<name> --user 42 -k 10

    Exit codes: 0 done, 1 failed, 2 bad input. With --json, a command prints
    one JSON document to stdout, and progress and messages to stderr.
    """
    set_up_logging()


for command in (
    demo,
    init,
    check,
    pretrain,
    train,
    compare,
    evaluate,
    recommend,
    predict,
    similar,
    explain,
    search,
    serve,
    doctor,
    runs,
):
    app.command()(getattr(command, command.__name__.rpartition(".")[2]))

app.command()(models.refit)
app.add_typer(encoders.encoders, name="encoders")
app.add_typer(keys.keys, name="keys")
app.add_typer(models.models, name="models")
app.add_typer(safety.safety, name="safety")


def main() -> None:
    """Entry point of the console script."""
    # Threads of torch that wait for each other spin, which makes training on a machine that is
    # busy with other things ten times as slow. Read once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app()
