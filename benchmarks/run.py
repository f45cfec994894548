"""Runs a study and writes `benchmarks/results/STUDY.json`.

    python benchmarks/run.py main_job                     every cell that is not done yet
    python benchmarks/run.py main_job --redo sequence     again those whose name holds "sequence"
    python benchmarks/run.py main_job --data ../my-sets   on data sets found elsewhere
    python benchmarks/run.py main_job --no-run            from the cells that are done so far

A study is a grid of cells. Each cell runs in a process of its own, within a time budget, one
after the other, and is written to `benchmarks/results/cells/` when done; a study that was
interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from harness import Cell, measure_here, recorded, run_cells, write_result

HERE = Path(__file__).parent
DATA = Path(os.environ.get("FORETASTE_DATA", HERE.parent.parent / "shared" / "data"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    studies = sorted(path.stem for path in (HERE / "studies").glob("[a-z]*.py"))
    parser.add_argument("study", choices=studies)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds the data sets")
    parser.add_argument("--redo", metavar="TEXT", help="measure again cells whose name holds TEXT")
    parser.add_argument(
        "--no-run", action="store_true", help="measure nothing; write what the done cells say"
    )
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    study = importlib.import_module(f"studies.{arguments.study}")
    if arguments.cell:
        measure_here(study, Cell(**json.loads(arguments.cell)), arguments.data)
        return 0
    cells = study.cells()
    if not arguments.no_run:
        run_cells(arguments.study, cells, arguments.data, redo=arguments.redo)
    results = recorded(arguments.study, cells)
    targets = write_result(study, arguments.study, results)
    for target in targets:
        mark = "met   " if target["met"] else "MISSED"
        print(f"{mark}  {target['name']}: wanted {target['wanted']}, got {target['got']}")
    return 0 if all(target["met"] for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
