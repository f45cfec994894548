"""What the scripts that time a peer's recommending share: the people, the stopwatch, the answer."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from runner import Histories

WARM_UP = 256


class Timing:
    """The people to answer, and how long each way of a peer takes.

    Attributes:
        people: Everybody's histories.
        job: What our side asks for: `k`, `seed` and `arguments`.
    """

    def __init__(self) -> None:
        self.folder = Path(sys.argv[1])
        self.people = Histories.read(self.folder, "people")
        self.job: dict[str, Any] = json.loads((self.folder / "job.json").read_text())
        self.found: dict[str, dict[str, Any]] = {}

    def item_factors(self) -> NDArray[np.float32]:
        """float32[items, factors]: ours, without the row of padding."""
        return np.load(self.folder / "item-factors.npy")[1:]

    def matrix(self, items: int) -> csr_matrix:
        """float32[people, items]: who acted on what; columns are item codes less one."""
        values = np.ones(len(self.people.values), np.float32)
        shape = (len(self.people), items)
        matrix = csr_matrix((values, self.people.values - 1, self.people.offsets), shape)
        matrix.sum_duplicates()
        return matrix

    def time(self, way: str, recommend: Callable[[NDArray[np.int64]], Any]) -> Any:
        """Times one call for everybody, after one for a few whose answer is returned."""
        everybody = np.arange(len(self.people))
        answer = recommend(everybody[:WARM_UP])
        started = time.perf_counter()
        recommend(everybody)
        seconds = time.perf_counter() - started
        self.found[way] = {
            "seconds": round(seconds, 3),
            "users_a_second": round(len(everybody) / seconds, 1),
        }
        return answer

    def keep_lists(self, way: str, items: NDArray[np.integer]) -> None:
        """Hands in item codes for the people of the warm-up, to be compared with ours."""
        np.save(self.folder / f"lists-{way}.npy", items.astype(np.int32))

    def answer(self) -> None:
        """Hands in the seconds."""
        (self.folder / "answer.json").write_text(json.dumps(self.found))
