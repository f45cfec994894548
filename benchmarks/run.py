"""Runs a study and writes `benchmarks/results/STUDY.json`.

    python benchmarks/run.py quality                      every cell that is not done yet
    python benchmarks/run.py quality --only beauty        those whose name holds "beauty"
    python benchmarks/run.py quality --redo sequence      again those whose name holds "sequence"
    python benchmarks/run.py quality --budget 20          peers may train for 20 minutes each
    python benchmarks/run.py quality --data ../my-sets    on data sets found elsewhere
    python benchmarks/run.py quality --no-run             from the cells that are done so far
    python benchmarks/run.py peers                        make the peers' environments, once

A study is a grid of cells. Each cell runs in a process of its own, within a time budget, one
after the other, and is written to `benchmarks/results/cells/` when done; a study that was
interrupted goes on where it stopped. A study may need cells of another one: those are run too
where they are missing, and belong to the other.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from harness import Cell, measure_here, recorded, run_cells, write_result
from peers.catalogue import PEERS
from peers.environment import make_environments

HERE = Path(__file__).parent
DATA = Path(os.environ.get("FORETASTE_DATA", HERE.parent.parent / "shared" / "data"))
MAKE_PEERS = "peers"


def main() -> int:
    arguments = _arguments()
    if arguments.study == MAKE_PEERS:
        return make_environments()
    study = importlib.import_module(f"studies.{arguments.study}")
    if arguments.cell:
        measure_here(study, Cell(**json.loads(arguments.cell)), arguments.data)
        return 0
    borrowed = study.borrowed() if hasattr(study, "borrowed") else {}
    grids = {
        owner: with_budget(cells, arguments.budget)
        for owner, cells in {**borrowed, arguments.study: study.cells()}.items()
    }
    if not arguments.no_run:
        for owner, cells in grids.items():
            run_cells(owner, cells, arguments.data, redo=arguments.redo, only=arguments.only)
    records = [record for owner, cells in grids.items() for record in recorded(owner, cells)]
    targets = write_result(study, arguments.study, records)
    for target in targets:
        mark = "met   " if target["met"] else "MISSED"
        print(f"{mark}  {target['name']}: wanted {target['wanted']}, got {target['got']}")
    return 0 if all(target["met"] for target in targets) else 1


def with_budget(cells: list[Cell], minutes: float | None) -> list[Cell]:
    """The cells, those of peers with another budget where one is given."""
    if minutes is None:
        return cells
    return [
        replace(cell, budget_minutes=minutes) if cell.model in PEERS else cell for cell in cells
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    studies = sorted(path.stem for path in (HERE / "studies").glob("[a-z]*.py"))
    parser.add_argument("study", choices=[*studies, MAKE_PEERS])
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds the data sets")
    parser.add_argument("--redo", metavar="TEXT", help="measure again cells whose name holds TEXT")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="measure only cells whose name holds TEXT"
    )
    parser.add_argument(
        "--budget", metavar="MINUTES", type=float, help="training time of a peer, instead of 45"
    )
    parser.add_argument(
        "--no-run", action="store_true", help="measure nothing; write what the done cells say"
    )
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
