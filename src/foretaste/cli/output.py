"""What commands share in talking: data goes to stdout, all the rest to stderr."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console

#: The option of every command that has something to say to programs.
JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON document to stdout instead of text.")
]


def say(message: Any = "") -> None:
    """Prints a result for people to stdout; tables and text are laid out by Rich."""
    Console(highlight=False, soft_wrap=isinstance(message, str)).print(message, markup=False)


def tell(message: str) -> None:
    """Prints how the work is going to stderr."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, style="dim", markup=False)


def complain(message: str) -> None:
    """Prints an error, in one line, to stderr."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("Error: ", style="bold red", end="")
    console.print(" ".join(message.split()), markup=False)


def print_json(document: Any) -> None:
    """Prints `document` to stdout as one JSON document."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value.item()


def set_up_logging() -> None:
    """Sends the package's log to stderr, from warnings up."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
