"""Which model answers whom: the live one, those on trial, and how they change places."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from foretaste.artifacts import open_run
from foretaste.errors import InputError, UnknownIdError
from foretaste.ranking import PageStore
from foretaste.serving.config import ExperimentConfig
from foretaste.serving.engine import Engine
from foretaste.serving.experiments import variant_of
from foretaste.serving.histories import Histories
from foretaste.serving.store.base import Fields, ModelRecord, Store

_log = structlog.get_logger()


class LiveModels:
    """The engines in use. A request keeps the engine it was given, so none fails when they change.

    Args:
        store: Holds the registry and the catalogue's changes.
        histories: What people did since the models learnt.
        pages: Where lists are kept for later pages.
        experiment: A comparison of models; None compares none.
    """

    def __init__(
        self,
        store: Store,
        histories: Histories,
        pages: PageStore,
        experiment: ExperimentConfig | None,
    ) -> None:
        self._store = store
        self._histories = histories
        self._pages = pages
        self._experiment = experiment
        self._changing = threading.Lock()
        self._engines: dict[str, Engine] = {}
        self._live: Engine | None = None
        self._revision = 0
        self._changes: dict[str, Fields | None] = {}
        self._loaded_at = 0.0

    @property
    def live(self) -> Engine:
        """The engine that answers whoever takes part in no experiment.

        Raises:
            InputError: No model has been loaded.
        """
        if self._live is None:
            raise InputError("no model is live.", hint="Register one: foretaste models add RUN.")
        return self._live

    @property
    def age_seconds(self) -> float:
        """Since the live model was loaded."""
        return time.time() - self._loaded_at

    @property
    def engines(self) -> tuple[Engine, ...]:
        """All that are in use."""
        return tuple(self._engines.values())

    def engine_for(self, person: str) -> tuple[Engine, str | None]:
        """The engine for somebody, and "experiment:variant" where they take part in one."""
        if self._experiment is None:
            return self.live, None
        variant = variant_of(self._experiment, person)
        label = f"{self._experiment.name}:{variant.name}"
        if variant.model is None:
            return self.live, label
        # A version that is not loaded would bias the comparison in silence: it is told apart.
        engine = self._engines.get(variant.model)
        return (engine, label) if engine is not None else (self.live, None)

    def refresh(self) -> bool:
        """Takes over what the registry says is live; whether that is another model than before.

        Loading happens beside the answering, and the change is one assignment.

        Raises:
            ArtifactError: The run of a model can't be read; what was live still is.
            InputError: The registry has no live model.
        """
        with self._changing:
            records = {record.version: record for record in self._store.models()}
            live = next((r for r in records.values() if r.status == "live"), None)
            if live is None:
                raise InputError("the registry has no live model.")
            wanted = {live.version, *self._on_trial()} & records.keys()
            self._take_changes()
            engines = {
                version: self._engines.get(version) or self._loaded(records[version])
                for version in wanted
            }
            changed = self._live is None or self._live.version != live.version
            self._engines, self._live = engines, engines[live.version]
            if changed:
                self._loaded_at = time.time()
                _log.info("model.live", version=live.version)
            return changed

    def update_catalogue(self) -> int:
        """Lets all engines know of items that came, changed or went; how many there were."""
        with self._changing:
            changes = self._take_changes()
            for engine in self._engines.values():
                if changes:
                    engine.update(changes)
            return len(changes)

    def _on_trial(self) -> set[str]:
        variants = () if self._experiment is None else self._experiment.variants
        return {variant.model for variant in variants if variant.model is not None}

    def _take_changes(self) -> Mapping[str, Fields | None]:
        self._revision, changes = self._store.items_after(self._revision)
        self._changes |= changes
        return changes

    def _loaded(self, record: ModelRecord) -> Engine:
        return Engine(
            open_run(Path(record.path)),
            record=record,
            histories=self._histories,
            pages=self._pages,
            changes=self._changes,
        )


def register(store: Store, path: Path, **lineage: Any) -> ModelRecord:
    """Writes a run into the registry, as a candidate; its version is the name of its folder.

    Args:
        store: Holds the registry.
        path: The run folder, which is verified.
        **lineage: `parent`, `events_until` and `metrics` of `ModelRecord`.

    Raises:
        ArtifactError: It is no run, or damaged.
        InputError: There is a model of that name already.
    """
    run = open_run(path)
    given: dict[str, Any] = {"parent": None, "events_until": 0, "metrics": {}} | lineage
    record = ModelRecord(
        version=run.path.resolve().name,
        path=str(run.path.resolve()),
        status="candidate",
        created=round(time.time() * 1000),
        **given,
    )
    store.add_model(record)
    return record


def previous_of(store: Store) -> ModelRecord:
    """The model to go back to: that from which the live one was made, or the latest retired.

    Raises:
        UnknownIdError: There is none.
    """
    records = store.models()
    live = next((record for record in records if record.status == "live"), None)
    retired = [record for record in records if record.status == "retired"]
    for record in retired:
        if live is not None and record.version == live.parent:
            return record
    if not retired:
        raise UnknownIdError("no earlier model is there to go back to.", field="models")
    return retired[-1]
