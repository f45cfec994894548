"""Pages of a list that stays as it was: page two never repeats page one."""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import polars as pl
from pydantic import Field

from foretaste.config import Config
from foretaste.errors import InputError

RANK = "rank"


class PagingConfig(Config):
    """How lists are kept for their later pages.

    Attributes:
        depth: Items of a list that are kept.
        minutes: For how long.
        lists: How many at most, in this process; the oldest go first.
    """

    depth: int = Field(default=100, ge=1)
    minutes: float = Field(default=30, gt=0)
    lists: int = Field(default=10_000, ge=1)


class PageStore(Protocol):
    """Where lists are kept: bytes under a key, for a while."""

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keeps a value for so many seconds, or until there is no room."""
        ...

    def get(self, key: str) -> bytes | None:
        """The value, or None where it is not, or no longer, there."""
        ...


class InProcessStore:
    """Keeps lists in the memory of this process; may be used by several threads.

    Args:
        capacity: How many; the oldest go first.
        clock: Seconds, from whenever.
    """

    def __init__(self, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keeps a value, in place of whatever was under the key."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (self._clock() + seconds, value)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)

    def get(self, key: str) -> bytes | None:
        """The value, unless its time is over."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
            if value is not None and until <= self._clock():
                del self._kept[key]
                return None
            return value


class Pager:
    """Keeps ranked lists under their ids and cuts pages out of them.

    Args:
        store: Where they are kept.
        seconds: For how long.
    """

    def __init__(self, store: PageStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds

    def keep(self, recommendation_id: str, table: pl.DataFrame) -> None:
        """Keeps a person's ranked list, a table with a column `rank`."""
        file = io.BytesIO()
        table.write_ipc_stream(file)
        self._store.put(recommendation_id, file.getvalue(), self._seconds)

    def page(self, recommendation_id: str, number: int, size: int) -> pl.DataFrame:
        """The rows of a page; none after the end of the list.

        Args:
            recommendation_id: Of the list.
            number: From 1.
            size: Items a page.

        Raises:
            InputError: There is no such list, or no such page.
        """
        if number < 1 or size < 1:
            raise InputError(
                "pages are numbered from 1 and hold at least one item.",
                field="page" if number < 1 else "k",
            )
        kept = self._store.get(recommendation_id)
        if kept is None:
            raise InputError(
                f"there is no recommendation {recommendation_id!r}, or its time is over.",
                field="recommendation_id",
                hint="Ask for a new one.",
            )
        last = number * size
        return pl.read_ipc_stream(io.BytesIO(kept)).filter(
            pl.col(RANK).is_between(last - size + 1, last)
        )
