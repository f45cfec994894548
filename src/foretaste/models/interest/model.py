"""The interest model: how likely this person acts on this item, here and now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import ContentReference, Encoder
from foretaste.data import Dataset
from foretaste.errors import InputError, NotFittedError
from foretaste.models.base import ModelState
from foretaste.models.interest.answers import Answers, within
from foretaste.models.interest.bodies import Body, Shape, make
from foretaste.models.interest.bodies.base import Examples, stacked
from foretaste.models.interest.config import InterestConfig
from foretaste.models.interest.division import together
from foretaste.models.interest.imbalance import balanced
from foretaste.models.interest.inputs import Features, Inputs
from foretaste.models.interest.labels import labelled, with_session_position, with_times
from foretaste.models.interest.question import Goal
from foretaste.models.interest.world import (
    World,
    content_of,
    logs_of,
    shape_of,
    texts_of,
)
from foretaste.training import TrainingHistory

Probabilities = NDArray[np.float32]

#: The body that reads words as words.
_READER = "language"
_TEXTS = "item_texts"
_STEP, _ADDED = "interest.step", "interest.added"

#: Moments at which items are looked at anew, in the time of training.
_PAGES = 10
#: Pairs that are read at once.
_BLOCK = 2**15


class InterestModel:
    """Learns from labelled events whether somebody acts on an item, and says how sure it is.

    Whatever the body, it reads the same of a pair: ids, the words of the item, the moment and
    other context, what tables say of person and item, counts and rates, and the labels of items
    alike. All of it was known before the pair's own time, in training as in answering. Early
    stopping is on validation AUC; probabilities are calibrated on validation labels.

    Args:
        config: Settings, or give them by keyword.
        content: Encoder of the items' words; by default the one of `config.content`.
        **settings: Fields of `InterestConfig`.
    """

    name = "interest"
    config_class = InterestConfig

    def __init__(
        self,
        config: InterestConfig | None = None,
        *,
        content: Encoder | None = None,
        **settings: Any,
    ) -> None:
        self.config = config or InterestConfig.parse(settings)
        self.content = ContentReference(self.config.content, content)
        self.config = self.config.model_copy(update={"content": self.content.settings})
        self.training_history: TrainingHistory | None = None
        self._world: World | None = None
        self._bodies: tuple[Body, ...] = ()
        self._answers: Answers | None = None
        self._added = 0.0
        self._step = 1
        self._texts: tuple[str, ...] = ()

    @property
    def goals(self) -> tuple[Goal, ...]:
        """What is foreseen."""
        return self.config.goals

    # Learning.

    def fit(self, train: Dataset, validation: Dataset | None = None) -> Self:
        """Learns, forgetting whatever was learnt before.

        Args:
            train: Events, of which `config.question` makes labelled pairs (or labelled already).
            validation: Likewise, later ones, under the same vocabularies: for early stopping and
                calibration, and with `config.refit` learnt from at the end.

        Raises:
            DataError: There are no labels, or all are alike.
        """
        train = self._labelled(train)
        self._answers = Answers.seeing(self.goals, train.events)
        known = self._with_labels(train)
        self._step = max(1, len(known) // _PAGES)
        # Pairs without a label tell by their answers alone.
        train = train if self.config.body.consistency else known
        features = Features.fit(
            replace(train, events=with_session_position(train.events)),
            content_of(train, self.content, self.config.features.dimension),
            self.config.features,
        )
        self._world = self._world_of(train, features)
        examples = self._examples(train, stale=True)
        inputs = features.with_scale(examples.inputs)
        examples = replace(examples, inputs=inputs)
        self._texts = texts_of(train) if _READER in self.config.bodies else ()
        shape = shape_of(
            features, inputs.numbers.shape[1], train.user_vocabulary, self._texts, self.goals
        )
        self._bodies = self._made(shape)
        if validation is None:
            self._learn(examples, None, None)
            return self
        self._choose(train, self._with_labels(self._labelled(validation)), examples)
        return self

    def remember(self, events: Dataset) -> Self:
        """Takes what is known from other events, without learning from them.

        Args:
            events: All that may be known, under the vocabularies the model was fitted on: of it,
                what was known before a pair's time is used.

        Raises:
            InputError: Its users or items are others.
        """
        world = self._known()
        if (events.user_vocabulary, events.item_vocabulary) != (world.users, world.items):
            raise InputError("the events have other users or items than the model was fitted on.")
        self._world = self._world_of(self._labelled(events), world.features)
        return self

    def _choose(self, train: Dataset, validation: Dataset, examples: Examples) -> None:
        """Finds rounds and calibration on validation pairs, then learns from all if so set."""
        features = self._known().features
        frozen = self._examples(validation, stale=False)
        # Pairs asked about at once, and long after the last label, both count.
        self._world = self._world_of(together(train, validation), features)
        fresh = self._examples(validation, stale=False)
        judged = stacked(frozen, fresh)
        rounds = self._learn(examples, judged, None)
        log_odds = self._log_odds(judged.inputs)
        self._answers = self._seen().calibrated(self.config.calibration, log_odds, judged.labels)
        if self.config.refit:
            self._learn(self._examples(together(train, validation), stale=True), None, rounds)
        else:
            self._world = self._world_of(train, features)

    def _learn(
        self, examples: Examples, judged: Examples | None, rounds: list[int] | None
    ) -> list[int]:
        if not self.config.body.rating:
            examples, self._added = balanced(examples, self.config.imbalance, self.config.seed)
        kept = [
            body.fit(examples, judged, None if rounds is None else rounds[place])
            for place, body in enumerate(self._bodies)
        ]
        curves = [body.history for body in self._bodies if body.history is not None]
        if judged is not None or rounds is None:
            self.training_history = curves[0] if curves else None
        return kept

    def _examples(self, events: Dataset, *, stale: bool) -> Examples:
        """Pairs by what was known at once, and with `stale` also by what was known long before."""
        return self._known().examples(
            events,
            self._seen(),
            staleness=self.config.staleness if stale else 0.0,
            seed=self.config.seed,
        )

    # Answering.

    def predict(self, pairs: pl.DataFrame) -> Probabilities:
        """The probability of interest (or the rating) of each pair, float32[n].

        Of several goals float32[n, goals], in the order of `goals`; what comes after another goal
        is the probability of both.

        Args:
            pairs: Columns `user_id` and `item_id`; `timestamp` (milliseconds; without it, after
                all that is known) and whatever context the model was fitted with. Users, items
                and values that are unknown are ordinary cases.

        Raises:
            DataError: A column is missing or of the wrong type.
        """
        table = with_session_position(with_times(pairs, self._known().now))
        blocks = [
            self._seen().of(self._log_odds(self._known().read(block)))
            for block in table.iter_slices(_BLOCK)
        ]
        if not blocks:
            several = len(self.goals) > 1
            return np.empty((0, len(self.goals)) if several else 0, np.float32)
        return np.concatenate(blocks)

    def _log_odds(self, inputs: Inputs) -> NDArray[np.float32]:
        found = [body.log_odds(inputs) for body in self._bodies]
        return (np.stack(found).mean(axis=0) - self._added).astype(np.float32)

    # Saving.

    def state(self) -> ModelState:
        """The fitted model as plain data.

        Raises:
            NotFittedError: There is nothing to give yet.
        """
        world = self._known()
        bodies = {
            f"{place}.{name}": tensor
            for place, body in enumerate(self._bodies)
            for name, tensor in body.tensors().items()
        }
        own = {
            _STEP: np.array([self._step]),
            _ADDED: np.array([self._added]),
        }
        for part in (world, self._seen(), self.content):
            own |= part.tensors()
        settings = self.config.model_dump(mode="json") | {"_features": world.features.settings()}
        tables = world.tables()
        if self._texts:
            tables[_TEXTS] = pl.DataFrame({"text": list(self._texts)})
        return ModelState(settings=settings, tensors=own | bodies, tables=tables)

    @classmethod
    def from_state(cls, state: ModelState) -> Self:
        """The model that gave `state`; its answers are equal.

        Raises:
            ConfigError: A setting is unknown or does not fit.
            LookupError: Something is missing from the state.
            ValueError: Its parts contradict each other.
        """
        settings = dict(state.settings)
        told = settings.pop("_features")
        tensors = state.tensors
        model = cls(InterestConfig.parse(settings))
        model._step = int(tensors[_STEP][0])
        model._added = float(tensors[_ADDED][0])
        model._answers = Answers.restored(model.goals, tensors)
        model.content.restore(tensors)
        features = Features.restored(model.config.features, told, tensors)
        world = World.restored(state.tables, features, model.goals, tensors, model._step)
        model._world = world
        model._texts = tuple(state.tables[_TEXTS]["text"]) if _TEXTS in state.tables else ()
        shape = shape_of(features, len(features.names), world.users, model._texts, model.goals)
        model._bodies = model._made(shape)
        for place, body in enumerate(model._bodies):
            body.restore(within(f"{place}.", tensors))
        return model

    # Inside.

    def _known(self) -> World:
        if self._world is None:
            raise NotFittedError(type(self).__name__)
        return self._world

    def _made(self, shape: Shape) -> tuple[Body, ...]:
        """Bodies that have learnt nothing yet, each with draws of its own."""
        config, seed = self.config.body, self.config.seed
        return tuple(
            make(name, shape, config.model_copy(update={"seed": seed + 1000 * place}))
            for place, name in enumerate(self.config.bodies)
        )

    def _seen(self) -> Answers:
        if self._answers is None:
            raise NotFittedError(type(self).__name__)
        return self._answers

    def _labelled(self, events: Dataset) -> Dataset:
        columns = {column for goal in self.goals for column in goal.columns}
        if columns <= set(events.events.columns):
            return events
        return labelled(events, self.config.question)

    def _with_labels(self, events: Dataset) -> Dataset:
        """The events that have a label of any goal."""
        labels = pl.col([goal.label for goal in self.goals])
        known = events.events.select(pl.any_horizontal(labels.is_not_null())).to_series()
        return events if known.all() else events.take_events(known.to_numpy())

    def _world_of(self, events: Dataset, features: Features) -> World:
        logs = logs_of(events, self._seen())
        return World.of(events.user_vocabulary, events.item_vocabulary, features, logs, self._step)
