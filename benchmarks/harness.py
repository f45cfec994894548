"""Cells of a study: run in turn, each alone in a process, written when done."""

from __future__ import annotations

import json
import os
import platform
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console

from foretaste.memory import peak_memory_mib

RESULTS = Path(__file__).parent / "results"
#: A peer stops itself at its budget and is then measured; a cell that still runs so much later
#: is stopped.
GRACE_MINUTES = 15
#: How the status of a cell begins that is tried again at the next run.
_UNDONE = ("failed", "not installed")
_PACKAGES = ("foretaste", "torch", "numpy", "polars", "implicit", "scikit-learn", "transformers")


@dataclass(frozen=True)
class Cell:
    """One measurement: a model on a data set under a split, with a seed and a time budget."""

    data: str
    split: str
    model: str
    seed: int
    budget_minutes: float = 45

    @property
    def name(self) -> str:
        return f"{self.data}-{self.split}-{self.model}-{self.seed}"


def run_cells(study: str, cells: list[Cell], data: Path, *, redo: str | None, only: str) -> None:
    """Runs what is not done yet, and what is to be done again, among names that hold `only`."""
    console = Console(stderr=True)
    wanted = [cell for cell in cells if only in cell.name]
    for number, cell in enumerate(wanted, 1):
        path = _record_of(study, cell)
        if is_done(path) and (redo is None or redo not in cell.name):
            continue
        console.print(f"[{number}/{len(wanted)}] {study} {cell.name}", highlight=False)
        record = _run(study, cell, data)
        write_json(path, record)
        console.print(f"    {_in_a_line(record)}", highlight=False)


def recorded(study: str, cells: list[Cell]) -> list[dict[str, Any]]:
    """The records of those cells that were run."""
    paths = [_record_of(study, cell) for cell in cells]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def measure_here(study: ModuleType, cell: Cell, data: Path) -> None:
    """Measures a cell in this process and prints its record as the last line of stdout."""
    started = time.perf_counter()
    figures = study.measure(cell, data)
    record = {
        "cell": asdict(cell),
        "status": "done",
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(cpu_seconds(), 1),
        "peak_memory_mib": peak_memory_mib(),
        **figures,
    }
    print(json.dumps(record))


def write_result(study: ModuleType, name: str, records: list[dict]) -> list[dict[str, Any]]:
    """Writes the study's file, and its picture if it draws one, and returns its targets."""
    targets = study.targets(records)
    result = {
        "study": name,
        "what": (study.__doc__ or "").strip(),
        "machine": machine(),
        "versions": _versions(),
        "summary": study.summary(records),
        "targets": targets,
        "cells": records,
    }
    write_json(RESULTS / f"{name}.json", result)
    return targets


def cpu_seconds() -> float:
    """Processor time of this process and of those it has waited for, whoever else is running."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].split(":", 1)[1].strip() if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"processor": model, "cores": os.cpu_count(), "memory_gib": round(memory, 1)}


def is_done(path: Path) -> bool:
    """A cell that failed or lacked its package is tried again; a spent budget stands."""
    return path.exists() and not json.loads(path.read_text())["status"].startswith(_UNDONE)


def write_json(path: Path, content: Any) -> None:
    """Writes a file that is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(path)


def _record_of(study: str, cell: Cell) -> Path:
    return RESULTS / "cells" / study / f"{cell.name}.json"


def _run(study: str, cell: Cell, data: Path) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).parent / "run.py"), study]
    command += ["--data", str(data), "--cell", json.dumps(asdict(cell))]
    failed = {"cell": asdict(cell)}
    # In a session of its own, so that what a cell has started ends with it.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=60 * (cell.budget_minutes + GRACE_MINUTES))
    except subprocess.TimeoutExpired:
        return failed | {"status": f"stopped at its budget of {cell.budget_minutes} minutes"}
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        return failed | {"status": f"failed with exit code {process.returncode}"}
    return json.loads(output.splitlines()[-1])


def _in_a_line(record: dict[str, Any]) -> str:
    figures = [f"{record[key]:,} {key}" for key in ("seconds", "cpu_seconds") if key in record]
    return ", ".join([record["status"], *figures])


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
