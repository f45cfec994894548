"""The drift of all models in use: exported, warned of, and written down for the doctor."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import structlog

from foretaste.serving.drift import DRIFT, MARK
from foretaste.serving.engine import Engine
from foretaste.serving.live_models import LiveModels
from foretaste.serving.measures import Measures
from foretaste.serving.store.base import Event, Store

#: Of more events between two looks the latest count.
_EVENTS: Final = 1000
_log = structlog.get_logger()


class DriftWatch:
    """Looks at the drift of models now and then, beside the answering.

    Args:
        models: The engines in use.
        store: Its registry is told, for the doctor and for whoever loads a model again.
        measures: Hold the gauges.
    """

    def __init__(self, models: LiveModels, store: Store, measures: Measures) -> None:
        self._models = models
        self._store = store
        self._gauge = measures.drift
        self._items: deque[str] = deque(maxlen=_EVENTS)
        self._told: dict[str, dict[str, Any]] = {}
        self._marked: set[tuple[str, str]] = set()

    def happened(self, events: Iterable[Event]) -> None:
        """Takes in events that were kept; any thread may call it."""
        self._items.extend(event.item_id for event in events)

    def look_for_drift(self) -> None:
        """Judges what has come since the last look.

        Raises:
            StoreUnavailableError: It can't be written down now; the next look will.
        """
        items = [self._items.popleft() for _ in range(len(self._items))]
        engines = self._models.engines
        if {engine.version for engine in engines} != self._told.keys():
            self._gauge.clear()
            # What was told of a model when it was loaded is not news.
            self._told = {
                engine.version: self._told.get(engine.version, engine.drift.kept())
                for engine in engines
            }
        for engine in engines:
            if items:
                engine.happened(items)
            self._export(engine)
        for engine in engines:
            self._write_down(engine)

    def _export(self, engine: Engine) -> None:
        for what, index in engine.drift.indices().items():
            self._gauge.labels(what, engine.version).set(index)
            place = (engine.version, what)
            if index <= MARK:
                self._marked.discard(place)
            elif place not in self._marked:
                self._marked.add(place)
                _log.warning(
                    "model.drifts",
                    version=engine.version,
                    what=what,
                    index=round(index, 3),
                    hint="foretaste doctor",
                )

    def _write_down(self, engine: Engine) -> None:
        kept = engine.drift.kept()
        if kept != self._told[engine.version]:
            self._store.add_metrics(engine.version, {DRIFT: kept})
            self._told[engine.version] = kept
