"""Leaving out what somebody has already acted on, always or for a while."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.data.schema import TIMESTAMP
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.stage import CODE, ROW, Outcome, Request, drop

_DAY = 86_400_000


class SeenConfig(Config):
    """Which items of somebody's history may come again.

    Attributes:
        exclude: Leave out items that were acted on; false lets all of them come again.
        days: Only those of the last so many days; needs events with real times. None: of all time.
        last: Only those among the last so many actions. None: all of them.
    """

    exclude: bool = True
    days: float | None = Field(default=None, gt=0)
    last: int | None = Field(default=None, ge=1)

    @property
    def always(self) -> bool:
        """Whether everything ever acted on is left out."""
        return self.exclude and self.days is None and self.last is None


@dataclass(frozen=True)
class SeenItems:
    """The stage that leaves out what was acted on within the window.

    For somebody without events in the log, such as a visitor known by a history alone, there are
    no times: their whole history counts as recent.
    """

    config: SeenConfig
    size: int
    name: str = "seen"

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Drops what is in the window."""
        if not self.config.exclude:
            return Outcome(lists)
        seen = np.isin(lists.pair_keys(self.size), self._keys(request))
        return drop(lists, seen.astype(np.int64), [self._label()])

    def _keys(self, request: Request) -> NDArray[np.int64]:
        """One number for each person and item in the window."""
        histories = request.histories
        if self.config.last is not None:
            histories = histories.last(self.config.last)
        keys = histories.row_of_value * self.size + histories.values
        if self.config.days is None or request.events is None:
            return keys
        since = request.now - round(self.config.days * _DAY)
        events = request.events
        recent = events.filter(pl.col(TIMESTAMP) >= since)
        timed = np.isin(keys // self.size, events[ROW].to_numpy())
        by_time = recent[ROW].to_numpy() * self.size + recent[CODE].to_numpy()
        # With both windows, an item must be in both.
        by_time = by_time if self.config.last is None else np.intersect1d(by_time, keys)
        return np.concatenate([keys[~timed], by_time])

    def _label(self) -> str:
        parts = ["already acted on"]
        if self.config.days is not None:
            parts.append(f"in the last {self.config.days:g} days")
        if self.config.last is not None:
            parts.append(f"among the last {self.config.last} actions")
        return " ".join(parts)
