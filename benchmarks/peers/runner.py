"""What the runners of all peers share: the task they are given, and the answer they give.

Runs in the peers' environments, which have NumPy and torch, and of foretaste only what needs no
more: the metric and the top-k, so that validation is measured by the same code for everybody.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretaste.memory import peak_memory_mib
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.top_k import top_k

K = 10
_BLOCK = 256

Lists = NDArray[np.int32]


@dataclass(frozen=True)
class Histories:
    """Item codes of people, oldest first: row `i` is ``values[offsets[i] : offsets[i + 1]]``."""

    users: NDArray[np.int32]
    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def read(cls, folder: Path, part: str) -> Histories:
        """One part of the file that our side wrote."""
        arrays = np.load(folder / "histories.npz")
        return cls(*(arrays[f"{part}_{name}"] for name in ("users", "values", "offsets")))

    def __len__(self) -> int:
        return len(self.users)

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    @property
    def row_of_value(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self)), self.lengths)

    def rows(self, start: int, end: int) -> Histories:
        """A run of rows."""
        first, last = self.offsets[start], self.offsets[min(end, len(self))]
        offsets = self.offsets[start : end + 1] - first
        return Histories(self.users[start:end], self.values[first:last], offsets)

    def translated(self, code_of: NDArray[np.integer]) -> Histories:
        """The same in a peer's own item codes; items whose entry is 0 are left out."""
        values = code_of[self.values]
        known = values != 0
        lengths = np.bincount(self.row_of_value[known], minlength=len(self))
        return Histories(self.users, values[known], np.concatenate([[0], np.cumsum(lengths)]))

    def padded(self, width: int, *, side: str) -> NDArray[np.int64]:
        """int64[rows, width]: the last `width` items of each, zeros on the "left" or "right"."""
        table = np.zeros((len(self), width), np.int64)
        place = np.arange(len(self.values)) - self.offsets[self.row_of_value + 1] + width
        kept = place >= 0
        rows, place = self.row_of_value[kept], place[kept]
        if side == "right":
            place = place - (width - np.minimum(self.lengths, width))[rows]
        table[rows, place] = self.values[kept]
        return table


@dataclass(frozen=True)
class Task:
    """One peer to train: what it may see, and how.

    Attributes:
        folder: Where the split came from and the answer goes.
        settings: Of the peer, from the catalogue.
        seed: Of all its randomness.
        budget_seconds: Of training and validation together.
        items: Size of the catalogue; item codes are 1 to `items`.
        train: Training events of everybody who has any.
        validation: What is known before each validation target.
        validation_targets: int32[n], the targets of `validation`, one a row.
        test: What is known before each test target; the targets stay with us.
    """

    folder: Path
    settings: dict[str, Any]
    seed: int
    budget_seconds: float
    items: int
    train: Histories
    validation: Histories
    validation_targets: Histories
    test: Histories

    @classmethod
    def read(cls) -> Task:
        """The task in the folder that the command line names."""
        folder = Path(sys.argv[1])
        job = json.loads((folder / "job.json").read_text())
        parts = {
            part: Histories.read(folder, part)
            for part in ("train", "validation", "validation_targets", "test")
        }
        return cls(folder=folder, **job, **parts)

    def validate(self, lists: Lists) -> float:
        """NDCG@10 of lists for `validation`."""
        targets = self.validation_targets
        hits = hit_positions(lists, targets.row_of_value, targets.values)
        return float(ndcg(hits, targets.lengths).mean())

    def answer(self, curve: LearningCurve, lists: Lists, *packages: str) -> None:
        """Hands in the lists for `test`, and how they came about."""
        np.save(self.folder / "lists.npy", lists.astype(np.int32))
        report = {
            "status": curve.status,
            "settings": self.settings,
            "peer_versions": {name: version(name) for name in (*packages, "numpy", "torch")},
            "fit_seconds": round(curve.seconds, 1),
            "fit_cpu_seconds": round(curve.cpu_seconds, 1),
            "fit_peak_memory_mib": curve.peak_memory_mib,
            "learning_curve": curve.epochs,
        }
        (self.folder / "answer.json").write_text(json.dumps(report))


@dataclass
class LearningCurve:
    """A stopwatch that runs while a peer trains and stands while it is validated.

    Attributes:
        budget_seconds: Of training and validation together.
        patience: Epochs without a better metric after which it is enough.
        most: Most epochs.
        least: Epochs before patience counts.
        epochs: Number, metric, wall and processor seconds of the training of every epoch.
        best: Number of the best epoch.
    """

    budget_seconds: float
    patience: int = 1
    most: int = 1
    least: int = 1
    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: int = 0
    peak_memory_mib: int = 0
    _began: float | None = None
    _resumed: tuple[float, float] = (0.0, 0.0)

    def resume(self) -> None:
        """Training goes on."""
        self._resumed = time.perf_counter(), time.process_time()
        self._began = self._resumed[0] if self._began is None else self._began

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self._began is not None and (
            time.perf_counter() - self._began >= self.budget_seconds
        )

    def validated(self, validate: Callable[[], float]) -> bool:
        """Ends an epoch (or the part of it there was time for) and measures it.

        Returns:
            Whether it is the best so far, and its weights should be kept.
        """
        wall, cpu = self._resumed
        epoch = {
            "number": len(self.epochs) + 1,
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
        }
        epoch["metric"] = validate()
        self.epochs.append(epoch)
        self.peak_memory_mib = peak_memory_mib()
        print(
            f"    epoch {epoch['number']}: {epoch['seconds']:.1f} s, "
            f"validation NDCG@{K} {epoch['metric']:.4f}",
            file=sys.stderr,
            flush=True,
        )
        is_best = self.best == 0 or epoch["metric"] > self.epochs[self.best - 1]["metric"]
        self.best = epoch["number"] if is_best else self.best
        return is_best

    @property
    def is_over(self) -> bool:
        """Whether training should end: out of time, of patience or of epochs."""
        done = len(self.epochs)
        out_of_patience = done >= self.least and done - self.best >= self.patience
        return self.spent or out_of_patience or done >= self.most

    @property
    def status(self) -> str:
        budget = f"done at its budget of {self.budget_seconds / 60:g} minutes"
        return budget if self.spent and len(self.epochs) < self.most else "done"

    @property
    def seconds(self) -> float:
        """Wall time of training."""
        return sum(epoch["seconds"] for epoch in self.epochs)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of training."""
        return sum(epoch["cpu_seconds"] for epoch in self.epochs)


def at_once(
    task: Task, fit: Callable[[], None], rank: Callable[[Histories], Lists]
) -> LearningCurve:
    """The learning curve, of one point, of a peer that trains in one go."""
    curve = LearningCurve(task.budget_seconds)
    curve.resume()
    fit()
    curve.validated(lambda: task.validate(rank(task.validation)))
    return curve


def ranked(
    score: Callable[[Histories], NDArray[np.float32]], histories: Histories, k: int = K
) -> Lists:
    """int32[rows, k]: the best items of everybody, their own left out.

    Args:
        score: float32[rows, items + 1] of some histories; column 0 is ignored.
        histories: Of everybody.
        k: Length of a list.
    """
    lists = np.zeros((len(histories), k), np.int32)
    for start in range(0, len(histories), _BLOCK):
        block = histories.rows(start, start + _BLOCK)
        scores = score(block)
        scores[:, 0] = -np.inf
        scores[block.row_of_value, block.values] = -np.inf
        lists[start : start + len(block)] = top_k(scores, k)[0]
    return lists
