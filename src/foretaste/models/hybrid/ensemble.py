"""Recommenders inside a recommender: built, fitted, extended and saved as one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from foretaste.config import Config
from foretaste.content import ContentReference, TextEncoderConfig
from foretaste.data import Dataset, Targets
from foretaste.errors import ConfigError, DataError, InputError
from foretaste.models import MODELS
from foretaste.models.base import ModelState, Recommender, Tensor
from foretaste.models.known import Known
from foretaste.training import TrainingConfig

_BASE = "base."
_SHARED_SECTIONS = ("content", "training")


class MemberConfig(Config):
    """A recommender by name, and its own settings beside the name.

    Attributes:
        name: A name in `foretaste.models.MODELS`.
    """

    model_config = ConfigDict(extra="allow")

    name: str


#: By the latest actions alone the others would rank better, and add less to the sequence model.
_MEMBERS = (
    {"name": "sequence"},
    {"name": "itemknn", "half_life": 1},
    {"name": "ease", "half_life": 10},
    {"name": "bpr", "half_life": 5},
)


class EnsembleConfig(Config):
    """What all hybrids share.

    Attributes:
        members: The recommenders that are put together.
        content: How the words of items become vectors, for the members that read them and say
            nothing else.
        training: How members that are networks are trained, likewise.
        depth: Items a member puts forward for a history, in learning from validation targets.
        most_lists: Most validation targets that are learnt from, drawn at random.
        seed: Of that draw, of learning, and of the members that say nothing else.
    """

    members: tuple[MemberConfig, ...] = Field(
        default=tuple(MemberConfig.parse(member) for member in _MEMBERS),
        min_length=1,
    )
    content: TextEncoderConfig | None = None
    training: TrainingConfig | None = None
    depth: int = Field(default=100, ge=1)
    most_lists: int = Field(default=10_000, ge=1)
    seed: int = Field(default=0, ge=0)


class Ensemble(Recommender):
    """A recommender made of others, which learns from validation targets how.

    Members are fitted on the training data; how they are put together is learnt from the
    validation targets only, whose items they have not been shown. Without validation targets the
    last actions of the training data are held out for it; members are fitted on the rest and then
    learn on from what was held out, by what validation chose for them (those that can't are fitted
    again on all, without). Where nobody has three actions there is nothing to hold out, and members
    count alike.

    A subclass writes `_learn`, `_count_alike` and what every `Recommender` must.

    Args:
        config: Settings, or give them by keyword.
        recommenders: The members themselves, in place of those that `config.members` describe.
        **settings: Fields of the configuration.

    Attributes:
        recommenders: The members, in order.
    """

    learns_on = True

    config: EnsembleConfig

    def __init__(
        self,
        config: EnsembleConfig | None = None,
        *,
        recommenders: Sequence[Recommender] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(config, **settings)
        self.recommenders = tuple(_built(self.config) if recommenders is None else recommenders)
        described = tuple(
            MemberConfig(name=member.name, **member.config.model_dump(mode="json"))
            for member in self.recommenders
        )
        self.config = self.config.model_copy(update={"members": described})

    @abstractmethod
    def _learn(self, train: Dataset, targets: Targets) -> None:
        """Learns from targets that the members, fitted on `train`, have not seen."""

    @abstractmethod
    def _count_alike(self, train: Dataset) -> None:
        """Puts the fitted members together without having learnt how."""

    def combine(self, train: Dataset, validation: Targets) -> Self:
        """Learns how members that are fitted already are put together, and fits none again.

        Args:
            train: What all members were fitted on.
            validation: Targets whose items no member has been shown.

        Raises:
            NotFittedError: A member is not fitted.
            InputError: A member was fitted on other items.
        """
        for member in self.recommenders:
            if member.item_vocabulary != train.item_vocabulary:
                raise InputError(
                    f"'{member.name}' was fitted on other items.",
                    field="recommenders",
                    hint="Fit all members on the training data given here.",
                )
        self._known = Known.of(train)
        for helper in self._inside():
            if helper not in self.recommenders:
                helper.fit(train, validation)
        self._learn(train, self._drawn(validation))
        return self

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        if validation is not None:
            self._fit_members(train, validation)
            self._learn(train, self._drawn(validation))
            return
        try:
            inner = train.split("leave-one-out")
        except DataError:
            self._fit_members(train, None)
            self._count_alike(train)
            return
        self._fit_members(inner.train, inner.validation)
        self._learn(inner.train, self._drawn(inner.validation))
        self._show_members(train)

    def _fit_members(self, train: Dataset, validation: Targets | None) -> None:
        for member in self._inside():
            member.fit(train, validation)

    def _show_members(self, train: Dataset) -> None:
        """Lets members, fitted on a part of `train`, have the rest."""
        for member in self._inside():
            if member._why_not_learn_on() is None:
                member.remember(train).catch_up()
            else:
                member.fit(train, None)

    def _drawn(self, targets: Targets) -> Targets:
        return targets.draw(self.config.most_lists, self.config.seed)

    def _inside(self) -> tuple[Recommender, ...]:
        """All recommenders in here: the members, and whatever a subclass needs besides."""
        return self.recommenders

    def _add_items(self, items: pl.DataFrame, codes: NDArray[np.int32]) -> None:
        with self._all_or_nothing():
            for member in self._inside():
                member.add_items(items)

    def _learn_on(self, news: NDArray[np.int64]) -> None:
        """Every member learns on; how they are put together stays as it was learnt."""
        remembered = self.known.as_dataset()
        with self._all_or_nothing():
            for member in self._inside():
                member.remember(remembered).catch_up()

    def _contents(self) -> list[ContentReference]:
        return [content for member in self._inside() for content in member._contents()]

    def _why_not_learn_on(self) -> str | None:
        for member in self._inside():
            reason = member._why_not_learn_on()
            if reason is not None:
                return f"of its member '{member.name}', {reason}"
        return super()._why_not_learn_on()

    @contextmanager
    def _all_or_nothing(self) -> Generator[None]:
        """After an error inside the block all that is in here is as it was before."""
        before = [(member, member.state()) for member in self._inside()]
        try:
            yield
        except BaseException:
            for member, state in before:
                _put_back(member, state)
            raise

    def _tensors(self) -> dict[str, Tensor]:
        return {
            f"{place}.{name}": tensor
            for place, member in enumerate(self._inside())
            for name, tensor in member.state().tensors.items()
            if not name.startswith(_BASE)  # items and histories are those of the whole
        }

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        for place, member in enumerate(self._inside()):
            _put_back(member, self._state_of(place, member, tensors))

    def _state_of(
        self, place: int, member: Recommender, tensors: Mapping[str, Tensor]
    ) -> ModelState:
        prefix = f"{place}."
        own = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        return ModelState(
            settings=member.config.model_dump(mode="json"),
            tensors=own | {name: t for name, t in tensors.items() if name.startswith(_BASE)},
            tables=self.known.tables(),
        )


def _built(config: EnsembleConfig) -> list[Recommender]:
    """The members that the settings describe, not yet fitted."""
    shared: dict[str, Any] = {
        section: getattr(config, section).model_dump(exclude_unset=True)
        for section in _SHARED_SECTIONS
        if getattr(config, section) is not None
    }
    shared["seed"] = config.seed
    members: list[Recommender] = []
    for place, member in enumerate(config.members):
        if member.name not in MODELS:
            raise ConfigError(
                f"there is no model '{member.name}'.",
                field=f"members.{place}.name",
                hint=f"Choose one of: {', '.join(MODELS)}.",
            )
        model = MODELS[member.name]
        wanted = model.config_class.model_fields
        settings = {name: value for name, value in shared.items() if name in wanted}
        try:
            members.append(model(model.config_class.parse(settings | (member.model_extra or {}))))
        except ConfigError as error:
            field = f"members.{place}.{error.field}"
            raise ConfigError(error.message, field=field, hint=error.hint) from None
    return members


def _put_back(member: Recommender, state: ModelState) -> None:
    """Makes of `member` what gave `state`; an encoder of one's own stays where it was."""
    content = getattr(member, "content", None)
    vars(member).update(vars(type(member).from_state(state)))
    if isinstance(content, ContentReference):
        content.restore(state.tensors)
        vars(member)["content"] = content
