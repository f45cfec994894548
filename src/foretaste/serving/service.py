"""A service: its store, state, models and threads, put together."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import structlog

from foretaste.errors import ForetasteError
from foretaste.models.interest import InterestModel
from foretaste.serving.access import Gatekeeper
from foretaste.serving.answers import Ask, Given
from foretaste.serving.batching import Batcher
from foretaste.serving.config import ServingConfig
from foretaste.serving.drift_watch import DriftWatch
from foretaste.serving.histories import Histories
from foretaste.serving.ingest import Ingest
from foretaste.serving.live_models import LiveModels, register
from foretaste.serving.measures import Measures
from foretaste.serving.state import open_state
from foretaste.serving.state.base import State, StateUnavailableError
from foretaste.serving.store import open_store
from foretaste.serving.store.base import Answer, Erasure, Store, StoreUnavailableError

#: Asks that a model answers at once.
_TOGETHER = 32
#: Lists that wait to be kept; while the store is away for long, more are not.
_ANSWERS_WAITING = 100_000
#: How often the catalogue and the registry are looked at for what other processes changed.
_WATCH_SECONDS = 0.5
_log = structlog.get_logger()


class PageState:
    """Keeps lists for later pages in the state; while it is away, later pages are not to be had."""

    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keeps a list, if it can be kept."""
        try:
            self._state.put(f"page:{key}", value, seconds)
        except StateUnavailableError as error:
            _log.warning("pages.not_kept", error=str(error))

    def get(self, key: str) -> bytes | None:
        """The list; None where it is not kept, or the state is away."""
        try:
            return self._state.get(f"page:{key}")
        except StateUnavailableError:
            return None


class Service:
    """Everything behind the HTTP interface.

    Args:
        config: Settings.
        run: A run to make live where the registry has no live model; or that is not in it yet.
        interest: An interest model, for `predict`.

    Raises:
        StoreUnavailableError: The store can't be opened.
        ArtifactError: A run can't be read.
        InputError: There is no model to serve.
    """

    def __init__(
        self,
        config: ServingConfig,
        run: Path | None = None,
        interest: InterestModel | None = None,
    ) -> None:
        self.config = config
        self.measures = Measures()
        self.interest = interest
        self.store: Store = open_store(config.store.get_secret_value(), tenant=config.tenant)
        state = None if config.state is None else config.state.get_secret_value()
        self.state: State = open_state(state, tenant=config.tenant)
        self.histories = Histories(self.store, self.state, config.tenant)
        self.gatekeeper = Gatekeeper(self.store, self.state, config.limits.requests_a_second)
        self.models = LiveModels(
            self.store, self.histories, PageState(self.state), config.experiment
        )
        if run is not None:
            go_live(self.store, run)
        self.models.refresh()
        self._batcher: Batcher[Ask, Given] = Batcher(
            "answers",
            self._answer,
            most=_TOGETHER,
            waiting=config.limits.waiting,
            observe=self._observe,
        )
        watch = DriftWatch(self.models, self.store, self.measures)
        self.ingest = Ingest(self.store, self.histories, config.limits.waiting, watch.happened)
        self._answers: queue.Queue[Answer] = queue.Queue(_ANSWERS_WAITING)
        self._closing = threading.Event()
        self._watch_now = threading.Event()
        self._helpers = [
            threading.Thread(target=self._every, args=(work, wake), name=name, daemon=True)
            for name, work, wake in (
                ("watch", self._watch, self._watch_now),
                ("log-answers", self._keep_answers, self._closing),
                ("watch-drift", watch.look_for_drift, self._closing),
            )
        ]
        for helper in self._helpers:
            helper.start()

    def recommend(self, ask: Ask) -> Future[Given]:
        """Takes an ask; the future holds the list.

        Raises:
            OverloadedError: Too many wait already.
        """
        return self._batcher.submit(ask)

    def label_of(self, ask: Ask) -> str | None:
        """The arm of the experiment that somebody is in, as "experiment:variant"."""
        return self.models.engine_for(ask.user_id or ask.recommendation_id)[1]

    def remember(self, ask: Ask, given: Given, label: str | None) -> None:
        """Has a list that was given kept, soon, for the feedback that may follow."""
        self._keep_soon(
            Answer(
                recommendation_id=given.recommendation_id,
                user_id=ask.user_id,
                model_version=given.model_version,
                experiment=label,
                items=tuple(item.item_id for item in given.items),
                propensities=tuple(item.propensity for item in given.items),
                at=round(time.time() * 1000),
            )
        )

    def catalogue_changed(self) -> None:
        """Has the engines take in new items at once instead of at the next look."""
        self._watch_now.set()

    def erase(self, user_id: str) -> Erasure:
        """Forgets a person: in the store, in the state and in what the models remember.

        Raises:
            StoreUnavailableError: Nothing was erased.
            StateUnavailableError: The store has; the call must be repeated for the state.
        """
        receipt = self.store.erase_user(user_id)
        self.histories.look_for_erased()
        self.histories.forget(user_id)
        return receipt

    def depths(self) -> dict[str, int]:
        """How many requests wait, by queue."""
        return {"answers": self._batcher.depth, "ingest": self.ingest.depth}

    def close(self) -> None:
        """Answers and writes what waits, then stops all threads."""
        self._closing.set()
        self._watch_now.set()
        self._batcher.close()
        self.ingest.close()
        for helper in self._helpers:
            helper.join()
        try:
            self._keep_answers()
        except StoreUnavailableError as error:
            _log.warning("answers.not_kept", error=str(error))
        self.state.close()
        self.store.close()

    # Inside.

    def _answer(self, asks: Sequence[Ask]) -> list[Given | Exception]:
        answers: list[Given | Exception] = [ForetasteError("not answered")] * len(asks)
        by_engine: defaultdict[str, list[int]] = defaultdict(list)
        engines = {}
        for place, ask in enumerate(asks):
            engine, _ = self.models.engine_for(ask.user_id or ask.recommendation_id)
            engines[engine.version] = engine
            by_engine[engine.version].append(place)
        for version, places in by_engine.items():
            engine, group = engines[version], [asks[place] for place in places]
            try:
                found = engine.recommend(group)
            except Exception:
                # Whatever is wrong with a model, people get something, and it says what.
                _log.exception("model.failed", version=version)
                self.measures.errors.labels("model").inc()
                found = [engine.popular(ask, "model") for ask in group]
            engine.drift.answered(found)
            for place, given in zip(places, found, strict=True):
                answers[place] = given
                if isinstance(given, Given):
                    self._measure(given)
        return answers

    def _measure(self, given: Given) -> None:
        source = given.items[0].source if given.items else "none"
        self.measures.answers.labels(source, given.degraded or "no").inc()
        if given.items:
            self.measures.score.observe(given.items[0].score)
        self.measures.history_length.observe(given.history)
        for stage in given.stages:
            self.measures.stage_seconds.labels(stage.stage).observe(stage.milliseconds / 1000)

    def _observe(self, waited: float, size: int) -> None:
        self.measures.waiting_seconds.observe(waited)
        self.measures.batch_size.observe(size)

    def _every(self, work: Callable[[], None], wake: threading.Event) -> None:
        failure = ""
        while not self._closing.is_set():
            wake.wait(_WATCH_SECONDS)
            if wake is not self._closing:
                wake.clear()
            try:
                work()
                failure = ""
            except Exception as error:
                # The next look may find it mended; answering goes on with what there is.
                if failure != str(error):
                    _log.exception("background.failed", work=work.__name__)
                failure = str(error)
                self.measures.errors.labels(work.__name__.strip("_")).inc()

    def _watch(self) -> None:
        self.histories.look_for_erased()
        self.models.update_catalogue()
        self.models.refresh()
        self.models.live.search_again()
        self.measures.model_age.set(self.models.age_seconds)
        for name, depth in self.depths().items():
            self.measures.queue_depth.labels(name).set(depth)

    def _keep_soon(self, answer: Answer) -> None:
        try:
            self._answers.put_nowait(answer)
        except queue.Full:
            self.measures.errors.labels("answer_not_kept").inc()

    def _keep_answers(self) -> None:
        answers = []
        while not self._answers.empty():
            answers.append(self._answers.get())
        if not answers:
            return
        try:
            self.store.add_answers(answers)
        except StoreUnavailableError:
            for answer in answers:
                self._keep_soon(answer)
            raise


def go_live(store: Store, run: Path) -> None:
    """Makes a run live where no model is, or where it is not in the registry yet."""
    records = store.models()
    version = run.resolve().name
    if not any(record.version == version for record in records):
        live = next((record.version for record in records if record.status == "live"), None)
        # How much of this store it has learnt from is not known, so no event is left out for it.
        register(store, run, parent=live)
        store.set_live(version)
    elif not any(record.status == "live" for record in records):
        store.set_live(version)
    elif not any(record.status == "live" for record in records if record.version == version):
        _log.warning("model.not_live", version=version, hint="foretaste models promote")
