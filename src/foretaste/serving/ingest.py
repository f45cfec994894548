"""Events on their way into the store: checked row by row, written together, acknowledged then."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from foretaste.serving.batching import Batcher
from foretaste.serving.histories import Histories
from foretaste.serving.store.base import Event, Place, Store

#: Batches of events written in one transaction: each would pay for a sync of its own.
_TOGETHER = 64


@dataclass(frozen=True)
class Kept:
    """What became of events.

    Attributes:
        accepted: How many were new.
        duplicates: How many were there already.
    """

    accepted: int
    duplicates: int


class Ingest:
    """Writes events on a thread of its own, those of several requests in one transaction.

    Args:
        store: Where they are kept.
        histories: Told of them once they are kept.
        waiting: Requests that may wait.
        observe: Told of the events that were new, likewise.
    """

    def __init__(
        self,
        store: Store,
        histories: Histories,
        waiting: int,
        observe: Callable[[Sequence[Event]], None],
    ) -> None:
        self._store = store
        self._histories = histories
        self._observe = observe
        self._batcher: Batcher[Sequence[Event], Kept] = Batcher(
            "ingest", self._write, most=_TOGETHER, waiting=waiting
        )
        self.last_write = 0.0

    @property
    def depth(self) -> int:
        """Requests that wait to be written."""
        return self._batcher.depth

    def submit(self, events: Sequence[Event]) -> Future[Kept]:
        """Keeps events; the future is done when they are on disk.

        Raises:
            OverloadedError: Too many wait already.
        """
        return self._batcher.submit(events)

    def close(self) -> None:
        """Writes what waits, then stops."""
        self._batcher.close()

    def _write(self, batches: Sequence[Sequence[Event]]) -> list[Kept]:
        events = [event for batch in batches for event in batch]
        numbers = self._store.add_events(events)
        self.last_write = time.time()
        new = [(event, seq) for event, seq in zip(events, numbers, strict=True) if seq is not None]
        fresh: defaultdict[str, list[Place]] = defaultdict(list)
        for event, seq in new:
            place = Place(seq, event.item_id, event.timestamp, event.event_type)
            fresh[event.user_id].append(place)
        if fresh:
            self._histories.append(fresh)
            self._observe([event for event, _ in new])
        kept, start = [], 0
        for batch in batches:
            accepted = sum(seq is not None for seq in numbers[start : start + len(batch)])
            kept.append(Kept(accepted, len(batch) - accepted))
            start += len(batch)
        return kept
