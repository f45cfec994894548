"""Hands a split to a peer in its own environment, and measures what comes back by our code."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import foretaste as ft
from foretaste.data import Ragged, Split, Targets
from foretaste.evaluation.protocol import reachable
from foretaste.models import Popularity, Ranking
from peers.catalogue import Peer
from peers.environment import HERE, python_of, variables, why_missing


def measure_peer(
    name: str, peer: Peer, data: str, split: Split, *, seed: int, budget_minutes: float
) -> dict[str, Any]:
    """Trains a peer on a split and evaluates its lists as any model of ours."""
    reason = why_missing(peer.environment, peer.library)
    if reason is not None:
        return {"status": f"not installed: {reason}"}
    with tempfile.TemporaryDirectory(prefix="foretaste-peer-") as temporary:
        folder = Path(temporary)
        write_task(
            folder,
            split,
            settings=peer.settings_for(data),
            seed=seed,
            budget_seconds=60 * budget_minutes,
        )
        run_in(peer.environment, f"run_{peer.library}.py", folder)
        answer, lists = read_answer(folder)
    report = ft.evaluate(PeerLists(name, split, lists), split, seed=seed)
    return {
        **answer,
        "settings_from": peer.source,
        "split_fingerprint": split.fingerprint,
        "peak_memory_mib": answer["fit_peak_memory_mib"],
        "report": report.to_dict(),
    }


def write_task(
    folder: Path, split: Split, *, settings: dict[str, Any], seed: int, budget_seconds: float
) -> None:
    """Writes what a peer may see: all but the test targets."""
    train = split.train.histories()
    users = np.flatnonzero(train.lengths)
    write_histories(
        folder / "histories.npz",
        train=((users + 1).astype(np.int32), train.take(users)),
        validation=(split.validation.users, split.validation.histories),
        validation_targets=(split.validation.users, split.validation.items),
        test=(asked(split).users, asked(split).histories),
    )
    job = {
        "settings": settings,
        "seed": seed,
        "budget_seconds": budget_seconds,
        "items": len(split.train.item_vocabulary),
    }
    (folder / "job.json").write_text(json.dumps(job))


def write_histories(path: Path, **parts: tuple[NDArray[np.int32], Ragged]) -> None:
    """Writes people's user codes and item codes, as `runner.Histories` reads them."""
    arrays = {}
    for part, (users, rows) in parts.items():
        arrays[f"{part}_users"] = users
        arrays[f"{part}_values"] = rows.values
        arrays[f"{part}_offsets"] = rows.offsets
    np.savez(path, **arrays)


def run_in(environment: str, script: str, folder: Path) -> None:
    """Runs a script of this folder; its output goes to stderr, where progress is shown."""
    subprocess.run(
        [python_of(environment), HERE / script, folder],
        check=True,
        env=variables(),
        stdout=2,
    )


def read_answer(folder: Path) -> tuple[dict[str, Any], NDArray[np.int32]]:
    """What a peer reports of its training, and its lists: int32[people asked, 10]."""
    return json.loads((folder / "answer.json").read_text()), np.load(folder / "lists.npy")


def asked(split: Split) -> Targets:
    """The people a peer is asked for: those whose test targets can be reached."""
    return reachable(split.test)


class PeerLists(Popularity):
    """A peer's lists in the place of a model.

    They are all there is of a peer: when cold items are to be ranked among themselves, which none
    of them can tell apart, popularity answers, as it does for our models that only know behaviour.

    Args:
        name: Of the peer.
        split: On which it was trained.
        lists: int32[people, 10], item codes for `asked(split)`, best first, 0 where there is none.
    """

    def __init__(self, name: str, split: Split, lists: NDArray[np.int32]) -> None:
        super().__init__()
        self.name = name  # pyright: ignore
        self._asked = asked(split).histories
        self._lists = lists
        if len(lists) != len(self._asked):
            raise ValueError(f"{name} gave {len(lists)} lists for {len(self._asked)} people")
        self.fit(split.train)

    def rank(
        self,
        histories: Ragged,
        k: int,
        *,
        exclude_seen: bool = True,
        candidates: NDArray[np.int32] | None = None,
    ) -> Ranking:
        if candidates is not None:
            return super().rank(histories, k, exclude_seen=exclude_seen, candidates=candidates)
        same = np.array_equal(histories.values, self._asked.values) and np.array_equal(
            histories.offsets, self._asked.offsets
        )
        if not same or k > self._lists.shape[1] or not exclude_seen:
            raise ValueError("the peer was not asked for this")
        items = self._lists[:, :k]
        seen = histories.row_of_value * (self.item_vocabulary.size) + histories.values
        given = np.arange(len(items))[:, None] * self.item_vocabulary.size + items
        if np.isin(given[items > 0], seen).any():
            raise ValueError("the peer recommends items of people's histories")
        places = np.where(items > 0, -np.arange(k, dtype=np.float32), -np.inf)
        return Ranking(items, places.astype(np.float32))
