import json
import time
from pathlib import Path

import pytest

import harness
import run
from harness import Cell, is_done, recorded, run_cells
from peers.catalogue import PEERS

CELLS = [Cell("shop", "leave-one-out", model, 0) for model in ("ours", "rectools-sasrec")]


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Names of the cells that were run, in order, instead of running them."""
    names = []

    def pretend(study, cell, data):
        names.append(cell.name)
        return {"cell": vars(cell), "status": "done"}

    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    monkeypatch.setattr(harness, "_run", pretend)
    return names


def run_all(**options):
    run_cells("study", CELLS, data=None, **({"redo": None, "only": ""} | options))


def test_a_done_cell_is_not_run_again(measured):
    run_all()
    run_all()
    assert measured == [cell.name for cell in CELLS]
    assert [record["cell"]["model"] for record in recorded("study", CELLS)] == [
        "ours",
        "rectools-sasrec",
    ]


def test_redo_runs_those_whose_name_holds_the_text(measured):
    run_all()
    run_all(redo="rectools")
    assert measured[2:] == [CELLS[1].name]


def test_only_leaves_the_others_alone(measured):
    run_all(only="ours")
    assert measured == [CELLS[0].name]
    run_all(only="ours", redo="")
    assert measured == [CELLS[0].name] * 2


@pytest.mark.parametrize(
    ("status", "stands"),
    [
        ("done", True),
        ("done at its budget of 45 minutes", True),
        ("stopped at its budget of 45 minutes", True),
        ("failed with exit code 1", False),
        ("not installed: No module named 'recbole'", False),
    ],
)
def test_what_stands_and_what_is_tried_again(tmp_path, status, stands):
    path = tmp_path / "cell.json"
    assert not is_done(path)
    path.write_text(json.dumps({"status": status}))
    assert is_done(path) is stands


def test_a_budget_is_given_to_peers_only():
    assert "rectools-sasrec" in PEERS
    assert [cell.budget_minutes for cell in run.with_budget(CELLS, 5)] == [45, 5]
    assert run.with_budget(CELLS, None) == CELLS


def test_a_cell_that_overruns_is_stopped_with_what_it_started(monkeypatch, tmp_path):
    script = tmp_path / "run.py"
    started = tmp_path / "started"
    script.write_text(
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(started)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "harness.py"))
    monkeypatch.setattr(harness, "GRACE_MINUTES", 0)
    record = harness._run("study", Cell("shop", "s", "m", 0, budget_minutes=0.03), tmp_path)
    assert record["status"].startswith("stopped at its budget")
    status = Path("/proc") / started.read_text() / "status"
    # The kernel takes its time on a busy machine.
    waited_until = time.monotonic() + 20
    while lives(status) and time.monotonic() < waited_until:
        time.sleep(0.05)
    assert not lives(status)


def lives(status):
    """Whether a process is there, and not merely waiting to be collected."""
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False
