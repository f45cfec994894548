"""Our sequence model, validated many times an epoch, so that its time to a goal is known closely.

The training is that of any other: between two batches the clock stops and the weights as they are,
not averaged as they are after an epoch, are validated.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch

import foretaste as ft
from foretaste.data import Ragged, Targets
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.sequence.network import SequenceBatches, SequenceNetwork

#: Looks an epoch.
_LOOKS = 4
_K = 10


class Watched(ft.SequenceRecommender):
    """A model that is looked at while it learns; `watch` must be told how first."""

    def watch(self, validation: Targets) -> list[dict[str, Any]]:
        """From now on training fills this learning curve: seconds since the last look, NDCG@10."""
        self._validation = validation
        self.curve: list[dict[str, Any]] = []
        return self.curve

    def _new_network(self, base: torch.Tensor | None) -> SequenceNetwork:
        self._watched = super()._new_network(base)
        return self._watched

    def _batches(self, histories: Ragged) -> SequenceBatches:
        inner = super()._batches(histories)
        return _Interrupted(inner, self._look)

    def _look(self, seconds: float, cpu_seconds: float) -> None:
        self._watched.eval()
        self._use(self._watched)
        targets = self._validation
        ranked = self.rank(targets.histories, _K).items
        hits = hit_positions(ranked, targets.items.row_of_value, targets.items.values)
        metric = float(ndcg(hits, targets.items.lengths).mean())
        self._watched.train()
        self.curve.append({"seconds": seconds, "cpu_seconds": cpu_seconds, "metric": metric})


class _Interrupted(SequenceBatches):
    """Batches, with a look after every so many; the time between two looks is told."""

    def __init__(self, batches: SequenceBatches, look: Any) -> None:
        self._inner, self._look = batches, look
        self.sequences = batches.sequences

    def __call__(self, epoch: int) -> Iterator[torch.Tensor]:
        every = max(1, sum(1 for _ in self._inner(epoch)) // _LOOKS)
        wall, cpu = time.perf_counter(), time.process_time()
        for number, batch in enumerate(self._inner(epoch), 1):
            yield batch
            if number % every == 0:
                self._look(time.perf_counter() - wall, time.process_time() - cpu)
                wall, cpu = time.perf_counter(), time.process_time()
