"""A store in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foretaste.serving.store import administration, catalogue, given, log, people
from foretaste.serving.store.base import (
    Act,
    Answer,
    Erasure,
    Event,
    Fields,
    Key,
    ModelRecord,
    ModelStatus,
    Place,
    Store,
)
from foretaste.serving.store.database import Database

# Rows that are read at a time: few enough to be there long before a call may take no longer.
_BLOCK = 10_000


def open_store(dsn: str, *, tenant: str = "default") -> Store:
    """Opens a store, and makes its tables or brings them up to date where needed.

    Args:
        dsn: Path of an SQLite file, or postgresql://user:password@host:port/database.
        tenant: Whose rows it shows and changes.

    Raises:
        ConfigError: The DSN is neither.
        InputError: A newer version of Foretaste has made the tables.
        StoreUnavailableError: The database can't be reached or written.
        MissingExtraError: SQLAlchemy, Alembic or psycopg is not installed.
    """
    return SqlStore(Database(dsn), tenant)


class SqlStore(Store):
    """One tenant's rows of a database; each call is one transaction, or one a block.

    Args:
        database: Where; closed with the store.
        tenant: Whose.
    """

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    def add_events(self, events: Sequence[Event]) -> list[int | None]:
        """Keeps events, all or none, each once."""
        with self._database.writes() as connection:
            return log.add(connection, self._tenant, events)

    def latest_of(self, user_id: str, n: int) -> list[Place]:
        """The latest n events of a person."""
        with self._database.reads() as connection:
            return log.latest_of(connection, self._tenant, user_id, n)

    def events_after(self, seq: int, *, block: int = _BLOCK) -> Iterator[list[tuple[int, Event]]]:
        """All events with larger numbers, up to the last there is when it is reached."""
        while True:
            with self._database.reads() as connection:
                found = log.after(connection, self._tenant, seq, block)
            if not found:
                return
            yield found
            seq = found[-1][0]

    def last_seq(self) -> int:
        """The largest number in the log."""
        with self._database.reads() as connection:
            return log.last_seq(connection, self._tenant)

    def put_items(self, items: Mapping[str, Fields]) -> int:
        """Adds or replaces items."""
        with self._database.writes() as connection:
            return catalogue.put(connection, self._tenant, items)

    def delete_items(self, item_ids: Sequence[str]) -> int:
        """Takes items out."""
        with self._database.writes() as connection:
            return catalogue.put(connection, self._tenant, dict.fromkeys(item_ids))

    def item(self, item_id: str) -> Fields | None:
        """The fields of an item."""
        with self._database.reads() as connection:
            return catalogue.fields_of(connection, self._tenant, item_id)

    def items_after(self, revision: int) -> tuple[int, dict[str, Fields | None]]:
        """What has changed since a revision.

        A change made while this reads may be among these and come again next time; none is missed.
        """
        with self._database.reads() as connection:
            present = catalogue.revision(connection, self._tenant)
        changed: dict[str, Fields | None] = {}
        mark: catalogue.Mark | None = (revision + 1, "")
        while mark is not None:
            with self._database.reads() as connection:
                block = list(catalogue.changes(connection, self._tenant, mark, _BLOCK))
            changed.update((item_id, fields) for (_, item_id), fields in block)
            mark = block[-1][0] if block else None
        return present, changed

    def put_users(self, users: Mapping[str, Fields]) -> None:
        """Adds or replaces people."""
        with self._database.writes() as connection:
            people.put(connection, self._tenant, users)

    def user(self, user_id: str) -> Fields | None:
        """The fields of a person."""
        with self._database.reads() as connection:
            return people.fields_of(connection, self._tenant, user_id)

    def erase_user(self, user_id: str) -> Erasure:
        """Deletes a person."""
        with self._database.writes() as connection:
            receipt = people.erase(connection, self._tenant, user_id)
        self._database.scrub()
        return receipt

    def erased(self) -> dict[str, int]:
        """When each was erased."""
        with self._database.reads() as connection:
            return people.erased(connection, self._tenant)

    def add_answers(self, answers: Sequence[Answer]) -> None:
        """Keeps answers."""
        with self._database.writes() as connection:
            given.add(connection, self._tenant, answers)

    def answers_since(self, at: int) -> Iterator[list[Answer]]:
        """Answers from a time on."""
        mark: given.Mark = (at, "")
        while True:
            with self._database.reads() as connection:
                found = given.since(connection, self._tenant, mark, _BLOCK)
            if not found:
                return
            yield found
            mark = (found[-1].at, found[-1].recommendation_id)

    def add_key(self, key: Key) -> None:
        """Keeps a key."""
        with self._database.writes() as connection:
            administration.add_key(connection, self._tenant, key)

    def key(self, key_id: str) -> Key | None:
        """The key with this id."""
        with self._database.reads() as connection:
            return administration.key(connection, self._tenant, key_id)

    def keys(self) -> list[Key]:
        """All keys."""
        with self._database.reads() as connection:
            return administration.keys(connection, self._tenant)

    def revoke_key(self, key_id: str) -> bool:
        """Revokes a key."""
        with self._database.writes() as connection:
            return administration.revoke_key(connection, self._tenant, key_id)

    def add_model(self, record: ModelRecord) -> None:
        """Registers a model."""
        with self._database.writes() as connection:
            administration.add_model(connection, self._tenant, record)

    def models(self) -> list[ModelRecord]:
        """The registry."""
        with self._database.reads() as connection:
            return administration.models(connection, self._tenant)

    def set_live(self, version: str) -> None:
        """Makes a model live."""
        with self._database.writes() as connection:
            administration.set_live(connection, self._tenant, version)

    def set_model_status(self, version: str, status: ModelStatus) -> None:
        """Changes a model's status."""
        with self._database.writes() as connection:
            administration.set_model_status(connection, self._tenant, version, status)

    def add_metrics(self, version: str, metrics: Mapping[str, Any]) -> None:
        """Adds to what was measured of a model."""
        with self._database.writes() as connection:
            administration.add_metrics(connection, self._tenant, version, metrics)

    def add_act(self, act: Act) -> None:
        """Adds a line to the audit log."""
        with self._database.writes() as connection:
            administration.add_act(connection, self._tenant, act)

    def acts(self, n: int = 100) -> list[Act]:
        """The latest acts."""
        with self._database.reads() as connection:
            return administration.acts(connection, self._tenant, n)

    def check(self) -> None:
        """Reads a little."""
        with self._database.reads() as connection:
            catalogue.revision(connection, self._tenant)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()
