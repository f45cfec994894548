"""What a service keeps for good: events, the catalogue, people, keys, models, answers, acts."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from foretaste.errors import ForetasteError

Fields = dict[str, Any]
Role = Literal["ingest", "read", "admin"]
ModelStatus = Literal["candidate", "live", "retired", "refused"]


class StoreUnavailableError(ForetasteError):
    """The store can't be reached or written right now.

    Nothing of the call was kept, unless the connection broke at the moment it was: then nobody can
    tell. Events may be sent again, as each counts once.
    """


@dataclass(frozen=True)
class Event:
    """What somebody did.

    Attributes:
        event_id: Two events with one id are one event.
        user_id: Who.
        item_id: On what.
        timestamp: Milliseconds since 1970, UTC.
        event_type: As "click"; may be unknown.
        event_value: As a rating or a price.
        session_id: Of the visit.
        recommendation_id: Of the answer that led to it.
        context: Whatever else is known, plain values by name.
    """

    event_id: str
    user_id: str
    item_id: str
    timestamp: int
    event_type: str | None = None
    event_value: float | None = None
    session_id: str | None = None
    recommendation_id: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Place:
    """An event in somebody's history.

    Attributes:
        seq: Its number in the log, ascending in the order in which events were kept.
        item_id: On what.
        timestamp: Milliseconds since 1970, UTC.
        event_type: As "click"; may be unknown.
    """

    seq: int
    item_id: str
    timestamp: int
    event_type: str | None = None


@dataclass(frozen=True)
class Answer:
    """A list that was given to somebody, with what its place was left to chance by.

    Attributes:
        recommendation_id: Its id.
        user_id: To whom; None for a session.
        model_version: Which model answered.
        experiment: Name of the experiment and the variant, as "name:variant"; None outside any.
        items: Ids, best first.
        propensities: How likely each was to be chosen for its place.
        at: Milliseconds since 1970, UTC.
    """

    recommendation_id: str
    user_id: str | None
    model_version: str
    experiment: str | None
    items: tuple[str, ...]
    propensities: tuple[float, ...]
    at: int


@dataclass(frozen=True)
class Key:
    """A key to the service; of the secret only the hash is kept.

    Attributes:
        key_id: The part of the key that may be shown.
        name: Who uses it.
        role: What it allows: "admin" everything, "read" to ask, "ingest" to send.
        secret_hash: SHA-256 of the secret, hexadecimal.
        created: Milliseconds since 1970, UTC.
        expires: Likewise; None never.
        revoked: Whether it is good for nothing any more.
    """

    key_id: str
    name: str
    role: Role
    secret_hash: str
    created: int
    expires: int | None = None
    revoked: bool = False


@dataclass(frozen=True)
class ModelRecord:
    """A model in the registry.

    Attributes:
        version: Its name, unique.
        path: Its run folder.
        parent: Version it was made from.
        status: "live" answers, or answered last; at most one is live.
        events_until: Number of the last event of this store that it has learnt from.
        metrics: What was measured of it when it was judged, and while it answered.
        created: Milliseconds since 1970, UTC.
    """

    version: str
    path: str
    parent: str | None
    status: ModelStatus
    events_until: int
    metrics: Mapping[str, Any]
    created: int


@dataclass(frozen=True)
class Act:
    """Something an administrator did.

    Attributes:
        at: Milliseconds since 1970, UTC.
        key_id: By which key; "local" without one.
        act: As "models.promote".
        subject: On what; never the content of it.
    """

    at: int
    key_id: str
    act: str
    subject: str


@dataclass(frozen=True)
class Erasure:
    """What is left of a person who asked to be forgotten: a receipt without their id.

    Attributes:
        receipt: Random id of the receipt.
        user_hash: See `user_hash`; to know the id again where it must stay out.
        at: Milliseconds since 1970, UTC.
        deleted: Rows that went, by table.
    """

    receipt: str
    user_hash: str
    at: int
    deleted: Mapping[str, int]


def user_hash(tenant: str, user_id: str) -> str:
    """By what a person who was erased is known again."""
    return hashlib.sha256(f"{tenant}\0{user_id}".encode()).hexdigest()


class Store(ABC):
    """Keeps what must not be lost. All calls are blocking and may come from several threads.

    What a call has returned from is on disk. Everything belongs to one tenant, which is given
    when the store is opened: nothing of another is ever seen or changed.

    Every call raises `StoreUnavailableError` where the database can't be reached or written.
    """

    # Events.

    @abstractmethod
    def add_events(self, events: Sequence[Event]) -> list[int | None]:
        """Keeps events, all or none.

        Returns:
            For each the number it got in the log; None where its id was there already, or stands
            earlier in the same call.
        """

    @abstractmethod
    def latest_of(self, user_id: str, n: int) -> list[Place]:
        """The latest n events of a person, in the order in which they were kept."""

    @abstractmethod
    def events_after(self, seq: int, *, block: int = 10_000) -> Iterator[list[tuple[int, Event]]]:
        """All events with larger numbers, ascending, in blocks that fit into memory."""

    @abstractmethod
    def last_seq(self) -> int:
        """The largest number in the log; 0 where it is empty."""

    # The catalogue and people: fields by id.

    @abstractmethod
    def put_items(self, items: Mapping[str, Fields]) -> int:
        """Adds items or puts fields in place of all that was known of them.

        Returns:
            The revision of the catalogue that holds them.
        """

    @abstractmethod
    def delete_items(self, item_ids: Sequence[str]) -> int:
        """Takes items out of the catalogue; ids it does not hold are kept as taken out too.

        Returns:
            The revision of the catalogue without them.
        """

    @abstractmethod
    def item(self, item_id: str) -> Fields | None:
        """The fields of an item; None where there is no such item or it was taken out."""

    @abstractmethod
    def items_after(self, revision: int) -> tuple[int, dict[str, Fields | None]]:
        """What has changed since a revision: fields by id, None for what was taken out.

        Returns:
            The present revision, and the changes.
        """

    @abstractmethod
    def put_users(self, users: Mapping[str, Fields]) -> None:
        """Adds people or puts fields in place of all that was known of them."""

    @abstractmethod
    def user(self, user_id: str) -> Fields | None:
        """The fields of a person; None where nothing is known."""

    @abstractmethod
    def erase_user(self, user_id: str) -> Erasure:
        """Deletes a person: events, fields and answers, in one transaction, with a receipt."""

    @abstractmethod
    def erased(self) -> dict[str, int]:
        """When each who was erased was last erased, by `user_hash`; milliseconds since 1970."""

    # Answers.

    @abstractmethod
    def add_answers(self, answers: Sequence[Answer]) -> None:
        """Keeps what was recommended; one whose id is there already is passed over."""

    @abstractmethod
    def answers_since(self, at: int) -> Iterator[list[Answer]]:
        """Answers from a time on, oldest first, in blocks."""

    # Keys, models, acts.

    @abstractmethod
    def add_key(self, key: Key) -> None:
        """Keeps a key."""

    @abstractmethod
    def key(self, key_id: str) -> Key | None:
        """The key with this id; None where there is none."""

    @abstractmethod
    def keys(self) -> list[Key]:
        """All keys, oldest first."""

    @abstractmethod
    def revoke_key(self, key_id: str) -> bool:
        """Makes a key good for nothing; whether there was one."""

    @abstractmethod
    def add_model(self, record: ModelRecord) -> None:
        """Writes a model into the registry.

        Raises:
            InputError: Its version is there already.
        """

    @abstractmethod
    def models(self) -> list[ModelRecord]:
        """The registry, oldest first."""

    @abstractmethod
    def set_live(self, version: str) -> None:
        """Makes a model the live one and retires the one that was, in one transaction.

        Raises:
            UnknownIdError: There is no such model.
        """

    @abstractmethod
    def set_model_status(self, version: str, status: ModelStatus) -> None:
        """Changes the status of a model that is not to go live.

        Raises:
            UnknownIdError: There is no such model.
        """

    @abstractmethod
    def add_metrics(self, version: str, metrics: Mapping[str, Any]) -> None:
        """Adds to what was measured of a model, in place of what had the same names.

        Raises:
            UnknownIdError: There is no such model.
        """

    @abstractmethod
    def add_act(self, act: Act) -> None:
        """Adds a line to the audit log, which nothing changes."""

    @abstractmethod
    def acts(self, n: int = 100) -> list[Act]:
        """The latest acts, newest first."""

    # Itself.

    @abstractmethod
    def check(self) -> None:
        """Writes nothing; raises where the store can't be reached."""

    @abstractmethod
    def close(self) -> None:
        """Gives connections back; the store is of no use afterwards."""
