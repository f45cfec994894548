"""Progress of long work on the terminal: to stderr, and only when a person is looking."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressBar:
    """A running bar; `advance` moves it and says how things stand."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, status: str = "", *, steps: int = 1) -> None:
        """Moves the bar by `steps` and shows `status` beside it."""
        self._progress.update(self._task, advance=steps, status=status)


@contextmanager
def progress_bar(description: str, total: int) -> Generator[ProgressBar]:
    """A bar of `total` steps, silent when stderr is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, disable=not sys.stderr.isatty(), transient=True
    ) as progress:
        yield ProgressBar(progress, progress.add_task(description, total=total, status=""))
