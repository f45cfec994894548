"""Spares callers the wait for something that has just failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """After a failure lets nobody try for a while, and then one at a time until it works.

    Args:
        seconds: How long.
        clock: Seconds, from whenever.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._open_until: float | None = None

    def may_try(self) -> bool:
        """Whether the caller may try; it says afterwards how that went."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._clock() < self._open_until:
                return False
            self._open_until = self._clock() + self._seconds
            return True

    def worked(self) -> None:
        """It works: all may try."""
        with self._lock:
            self._open_until = None

    def failed(self) -> None:
        """It has failed: nobody may try for a while."""
        with self._lock:
            self._open_until = self._clock() + self._seconds
