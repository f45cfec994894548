"""The live state in the memory of this process, for a service that is one process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from foretaste.ranking.paging import InProcessStore
from foretaste.serving.state.base import State
from foretaste.serving.state.limits import FORGETTING_SECONDS, PLACES
from foretaste.serving.store.base import Place


@dataclass
class _History:
    """What is known of somebody's events.

    Attributes:
        places: Ascending in their numbers.
        whole: Whether these are all of the latest, or only some that came lately.
        shut_until: Until when what is read of the store may be older than a wish to be forgotten.
    """

    places: list[Place]
    whole: bool = False
    shut_until: float = 0.0

    def add(self, places: Sequence[Place]) -> None:
        """Adds events, those that are there already excepted."""
        known = {place.seq: place for place in (*self.places, *places)}
        self.places = [known[seq] for seq in sorted(known)[-PLACES:]]


class InProcessState(State):
    """Holds histories, lists and counts; whoever was not asked for longest goes first.

    Args:
        people: How many histories are held.
        values: How many values, and how many counts.
        clock: Seconds, from whenever.
    """

    def __init__(
        self,
        *,
        people: int = 100_000,
        values: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people = people
        self._values = values
        self._clock = clock
        self._lock = threading.Lock()
        self._histories: OrderedDict[str, _History] = OrderedDict()
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._kept = InProcessStore(values, clock)

    def histories(self, user_ids: Sequence[str]) -> list[list[Place] | None]:
        """The fresh history of each person."""
        with self._lock:
            return [self._held(user_id) for user_id in user_ids]

    def hold(self, user_id: str, places: Sequence[Place]) -> None:
        """Holds a history."""
        with self._lock:
            history = self._of(user_id)
            if self._clock() >= history.shut_until:
                history.add(places)
                history.whole = True

    def append(self, places: Mapping[str, Sequence[Place]]) -> None:
        """Adds events to histories."""
        with self._lock:
            for user_id, some in places.items():
                self._of(user_id).add(some)

    def forget(self, user_id: str) -> None:
        """Drops a history."""
        with self._lock:
            history = self._of(user_id)
            history.places, history.whole = [], False
            history.shut_until = self._clock() + FORGETTING_SECONDS

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keeps a value."""
        self._kept.put(key, value, seconds)

    def get(self, key: str) -> bytes | None:
        """The value."""
        return self._kept.get(key)

    def count(self, key: str, seconds: float) -> int:
        """Counts a call; a window begins with its first."""
        with self._lock:
            now = self._clock()
            until, calls = self._counts.pop(key, (0.0, 0))
            if now >= until:
                until, calls = now + seconds, 0
            self._counts[key] = (until, calls + 1)
            if len(self._counts) > self._values:
                self._counts.popitem(last=False)
            return calls + 1

    def check(self) -> None:
        """Memory can be reached."""

    def close(self) -> None:
        """There are no connections."""

    def _held(self, user_id: str) -> list[Place] | None:
        history = self._histories.get(user_id)
        if history is None or not history.whole:
            return None
        self._histories.move_to_end(user_id)
        return list(history.places)

    def _of(self, user_id: str) -> _History:
        history = self._histories.setdefault(user_id, _History([]))
        self._histories.move_to_end(user_id)
        if len(self._histories) > self._people:
            self._histories.popitem(last=False)
        return history
