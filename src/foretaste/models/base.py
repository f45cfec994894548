"""The contract of every recommender: how it learns, and how it is kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.config import Config
from foretaste.data import Dataset, Targets
from foretaste.data.schema import ITEM_ID
from foretaste.errors import InputError
from foretaste.models.answering import Answering
from foretaste.models.known import Known

if TYPE_CHECKING:
    from foretaste.content import ContentReference
    from foretaste.training import TrainingHistory

Tensor = NDArray[Any]


@dataclass(frozen=True)
class ModelState:
    """Everything a fitted model is, as plain data: no code, nothing to unpickle.

    Attributes:
        settings: The model's configuration, JSON-ready.
        tensors: Named NumPy arrays.
        tables: Named Polars tables.
    """

    settings: dict[str, Any]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)


class Recommender(Answering):
    """Learns from a `Dataset`, ranks items for histories.

    How people are answered is in `Answering`. A subclass sets `name` and `config_class` and writes
    `_fit`, `_score`, `_tensors` and `_restore`; `_add_items` where it keeps something for every
    item, and `_learn_on` with `learns_on` where it can do without the data it was fitted on.
    """

    config_class: ClassVar[type[Config]]

    #: Whether the model can learn on from the histories it remembers (`catch_up`).
    learns_on: ClassVar[bool] = False

    #: The learning curve of the last `fit`, of models that are trained in epochs.
    training_history: TrainingHistory | None = None

    def __init__(self, config: Config | None = None, **settings: Any) -> None:
        """Takes a configuration object, or its settings by keyword.

        Raises:
            ConfigError: A setting is unknown or does not fit.
        """
        self.config = config or self.config_class.parse(settings)
        self._known = None
        self.checkpoints: Path | None = None

    # What a subclass writes.

    @abstractmethod
    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        """Learns; vocabularies and item counts are already set."""

    @abstractmethod
    def _tensors(self) -> dict[str, Tensor]:
        """What `_fit` learnt."""

    @abstractmethod
    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes back what `_tensors` gave; vocabularies and item counts are already set."""

    # What everybody may call.

    def fit(
        self,
        train: Dataset,
        validation: Targets | None = None,
        *,
        checkpoints: Path | None = None,
    ) -> Self:
        """Learns from `train`, forgetting whatever was learnt before.

        Args:
            train: Events and catalogue; items without events are cold items.
            validation: Targets for early stopping, for the models that stop early.
            checkpoints: Folder in which a long training keeps its state after every epoch. One
                that was stopped goes on from there when it is asked for again with the same
                settings and data; when it ends, nothing is left there.
        """
        self.checkpoints = checkpoints
        self._known = Known.of(train)
        self._fit(train, validation)
        return self

    def partial_fit(self, events: pl.DataFrame, items: pl.DataFrame | None = None) -> Self:
        """Learns on from events that came after `fit`, without the data it was fitted on.

        The events end the histories of their people; people and items may be new. How the model
        learns from them is said in `catch_up`.

        Args:
            events: Columns `user_id`, `item_id` and `timestamp` (any integer type).
            items: What is known of new items, as in `add_items`; needed by models that read it.

        Raises:
            DataError: A column is missing, an id is null or of another type than the known ones,
                there are no events, or the items lack what the model reads.
            InputError: The model can't learn on; it is as before.
        """
        self._check_learns_on()
        new = Dataset.from_tables(events)
        self.known.users.extended(new.user_vocabulary.ids)  # Refused before anything is changed.
        ids = new.items if items is None else items
        missing = new.items.join(ids, on=ITEM_ID, how="anti") if ITEM_ID in ids.columns else ids
        self.add_items(pl.concat([ids, missing], how="diagonal_relaxed"))
        self._known = self.known.going_on(new)
        return self.catch_up()

    def catch_up(self) -> Self:
        """Learns from all actions that are remembered but were not learnt from.

        Those are the events of `partial_fit` and what `remember` brought. Models that count or
        are solved in closed form become what a fit on the histories they remember makes of them;
        the others go on from their weights, on the histories with news and on as many others,
        drawn at random, so that these are not forgotten.

        Raises:
            InputError: The model can't learn on; it is as before.
        """
        self._check_learns_on()
        before = self.known
        if not len(before.news):
            return self
        self._known = before.caught_up()
        try:
            self._learn_on(before.news)
        except BaseException:
            self._known = before
            raise
        return self

    def remember(self, dataset: Dataset) -> Self:
        """Takes people's histories from `dataset` without learning from them.

        After an evaluation the held-out events are news to the model; with this it recommends
        from all that is known.

        Raises:
            InputError: The data set's items are not the model's.
        """
        self._known = self.known.remembering(dataset)
        return self

    def forget(self, users: Sequence[str | int] | pl.Series) -> Self:
        """Forgets people: their ids and histories are in no answer and no saved run any more.

        What was learnt from them together with everybody else stays until the next `fit`.

        Args:
            users: Ids; those that are not known are passed over.
        """
        self._known = self.known.forgetting(users)
        return self

    def add_items(self, items: pl.DataFrame) -> Self:
        """Makes items that came after `fit` known, without learning anew.

        A model that reads content recommends them from it; to the others they are items without
        events. Items already known are passed over. After an error the model is as before.

        Args:
            items: A table as `Dataset.items`: the column `item_id`, and what the model reads.

        Raises:
            DataError: There is no column `item_id`, an id is null or of another type than the
                known ones, or the table lacks what the model reads.
        """
        before = self.known
        self._known, new, codes = before.extended(items)
        if not len(codes):
            return self
        try:
            self._add_items(new, codes)
        except BaseException:
            self._known = before
            raise
        return self

    def copied(self) -> Self:
        """The same model once more: what the one takes in later, the other does not know.

        Encoders, which nothing changes, are shared.

        Raises:
            NotFittedError: There is nothing to copy yet.
        """
        other = self.from_state(self.state())
        for theirs, own in zip(other._contents(), self._contents(), strict=True):
            if own.encoder is not None:
                theirs.encoder = own.encoder
        return other

    def state(self) -> ModelState:
        """The fitted model as plain data.

        Raises:
            NotFittedError: There is nothing to give yet.
        """
        return ModelState(
            settings=self._settings(),
            tensors=self.known.tensors() | self._tensors(),
            tables=self.known.tables(),
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Self:
        """The model that gave `state`; its answers are equal.

        Raises:
            ConfigError: A setting is unknown or does not fit.
            LookupError: Something is missing from the state.
            ValueError: Its parts contradict each other.
        """
        model = cls._from_settings(state.settings)
        model._known = Known.restored(state.tensors, state.tables)
        model._restore(state.tensors)
        return model

    # What a subclass may extend.

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        """Makes room for new items, all or nothing; vocabulary and counts already hold them.

        Args:
            items: Their rows, one for each of `codes`.
            codes: int32[n], contiguous, from the first that is free.
        """

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Learns from histories that have grown; vocabularies, histories and counts are set.

        By default from all histories, as `_fit` does.

        Args:
            news: int64[n], rows of the histories with actions that were not learnt from.
        """
        self._fit(self.known.as_dataset(), None)

    def _contents(self) -> list[ContentReference]:
        """The places for encoders in here."""
        return []

    def _settings(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json")

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any]) -> Self:
        return cls(cls.config_class.parse(settings))

    # Inside.

    def _check_learns_on(self) -> None:
        reason = self._why_not_learn_on()
        if reason is not None:
            raise InputError(
                f"'{self.name}' can't learn on: {reason}.",
                field="model",
                hint="Fit it again on all events, old and new.",
            )

    def _why_not_learn_on(self) -> str | None:
        """What keeps a model as it is set up from learning on."""
        if not self.learns_on:
            return "it does not keep what it would go on from"
        if getattr(self.config, "event_weights", None):
            return "its events are weighed by type, and the histories it holds have no types"
        if getattr(self.config, "exposure", None):
            return "how much its items were shown it takes from the catalogue, and does not keep"
        return None
