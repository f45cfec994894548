"""The report of `foretaste.data.inspect`: what was understood, and all that is wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from foretaste.data.config import Layout
from foretaste.data.description import Description
from foretaste.data.problems import FileReport, Problem
from foretaste.data.schema import Clock


@dataclass(frozen=True)
class Inspection:
    """What reading found in a folder or a file.

    Attributes:
        path: What was inspected.
        layout: The layout that was understood; none if there is none.
        files: What was understood of each file, as far as reading came.
        clock: What timestamps mean.
        notes: What reading did that a user should know.
        problems: All that is wrong; of each kind, the number of rows and the first few.
        ok: Whether `foretaste.data.read` would read it with the same settings.
        description: Counts of what can be read, without the rows at fault; none if nothing can.
    """

    path: str
    layout: Layout | None
    files: tuple[FileReport, ...]
    clock: Clock | None
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    ok: bool
    description: Description | None

    def __str__(self) -> str:
        lines = [f"{self.path}: layout {self.layout or 'unknown'}"]
        for file in self.files:
            columns = ", ".join(
                theirs if theirs == ours else f"{theirs} → {ours}"
                for theirs, ours in file.columns.items()
            )
            lines.append(f"  {file.name}: {file.table}, {file.rows:,} rows; {columns}")
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"problem: {problem}" for problem in self.problems]
        if self.description is not None:
            lines += ["", str(self.description)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)
