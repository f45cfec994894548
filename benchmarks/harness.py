"""Cells of a study: run in turn, each alone in a process, written when done."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console

RESULTS = Path(__file__).parent / "results"
_FAILED = "failed"
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


def run_cells(study: str, cells: list[Cell], data: Path, *, redo: str | None) -> None:
    """Runs what is not done yet, and what is to be done again."""
    console = Console(stderr=True)
    for number, cell in enumerate(cells, 1):
        path = _record_of(study, cell)
        if not _is_done(path) or (redo is not None and redo in cell.name):
            console.print(f"[{number}/{len(cells)}] {cell.name}")
            _write(path, _run(study, cell, data))


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
    _write(RESULTS / f"{name}.json", result)
    if hasattr(study, "plot"):
        study.plot(records, RESULTS / f"{name}.png")
    return targets


def peak_memory_mib() -> int:
    """Most memory this process ever held resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].split(":", 1)[1].strip() if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"processor": model, "cores": os.cpu_count(), "memory_gib": round(memory, 1)}


def _record_of(study: str, cell: Cell) -> Path:
    return RESULTS / "cells" / study / f"{cell.name}.json"


def _is_done(path: Path) -> bool:
    """A cell that failed is tried again; one that used up its budget stands."""
    return path.exists() and not json.loads(path.read_text())["status"].startswith(_FAILED)


def _run(study: str, cell: Cell, data: Path) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).parent / "run.py"), study]
    command += ["--data", str(data), "--cell", json.dumps(asdict(cell))]
    failed = {"cell": asdict(cell)}
    try:
        done = subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60 * cell.budget_minutes,
        )
    except subprocess.TimeoutExpired:
        return failed | {"status": f"stopped at its budget of {cell.budget_minutes} minutes"}
    if done.returncode:
        return failed | {"status": f"{_FAILED} with exit code {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(path)
