"""What people did since the model learnt: from the live state, or from the store behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import polars as pl
import structlog

from foretaste.data import Vocabulary
from foretaste.data.schema import EVENT_TYPE, ITEM_ID, TIMESTAMP, USER_ID
from foretaste.ranking import EventLog
from foretaste.ranking.stage import CODE, ROW
from foretaste.serving.state.base import State, StateUnavailableError
from foretaste.serving.state.limits import PLACES
from foretaste.serving.store.base import Place, Store, StoreUnavailableError, user_hash

_log = structlog.get_logger()


class Histories:
    """Fresh histories of people, whichever of state and store can be reached.

    Args:
        store: Knows all.
        state: Holds what was asked for of late.
        tenant: Whose people they are.
    """

    def __init__(self, store: Store, state: State, tenant: str) -> None:
        self._store = store
        self._state = state
        self._tenant = tenant
        self._erased = store.erased()
        #: People whose history in the state lacks what it could not be told.
        self._stale: set[str] = set()

    def of(self, user_ids: Sequence[str]) -> list[list[Place]]:
        """The latest events of each person, oldest first.

        Raises:
            StoreUnavailableError: Somebody's are not in the state, and the store is gone too.
        """
        held = self._held(user_ids)
        return [
            self._read(user) if places is None else places
            for user, places in zip(user_ids, held, strict=True)
        ]

    def or_none(self, user_ids: Sequence[str]) -> tuple[list[list[Place]], bool]:
        """As `of`, and whether it could be told; where not, nobody has any."""
        try:
            return self.of(user_ids), True
        except StoreUnavailableError as error:
            _log.warning("histories.unavailable", error=str(error))
            return [[] for _ in user_ids], False

    def append(self, places: Mapping[str, Sequence[Place]]) -> None:
        """Makes events that the store has kept count from the next answer on.

        A state that can't take them has to forget those people before it is believed again.
        """
        try:
            self._state.append(places)
        except StateUnavailableError as error:
            self._stale.update(places)
            _log.warning("histories.not_appended", people=len(places), error=str(error))

    def forget(self, user_id: str) -> None:
        """Drops what the state holds of a person."""
        self._state.forget(user_id)

    def erased(self, user_id: str, after: int) -> bool:
        """Whether somebody was erased after a moment, milliseconds since 1970."""
        return bool(self._erased) and (
            self._erased.get(user_hash(self._tenant, user_id), -1) >= after
        )

    def look_for_erased(self) -> None:
        """Learns who was erased, by whichever process.

        Raises:
            StoreUnavailableError: It can't be told now.
        """
        self._erased = self._store.erased()

    def _held(self, user_ids: Sequence[str]) -> list[list[Place] | None]:
        try:
            self._forget_stale()
            return self._state.histories(user_ids)
        except StateUnavailableError:
            return [None] * len(user_ids)

    def _forget_stale(self) -> None:
        for user in list(self._stale):  # A copy: other threads may add to it.
            self._state.forget(user)
            self._stale.discard(user)

    def _read(self, user: str) -> list[Place]:
        places = self._store.latest_of(user, PLACES)
        with suppress(StateUnavailableError):  # Then it is read again next time.
            self._state.hold(user, places)
        return places


class LiveEvents:
    """People's events for the rules that ask about them: the run's data, then what came since.

    Args:
        learnt: Those of the run's data; None where no rule asks.
        histories: Those that came since.
    """

    def __init__(self, learnt: EventLog | None, histories: Histories) -> None:
        self._learnt = learnt
        self._histories = histories

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Columns of the run's events."""
        return {} if self._learnt is None else self._learnt.schema

    def of(self, users: pl.Series, items: Vocabulary) -> pl.DataFrame:
        """As `EventLog.of`; of fresh events only times and types are known."""
        if self._learnt is None:
            return pl.DataFrame(schema={ROW: pl.Int64, CODE: pl.Int64})
        past = self._learnt.of(users, items)
        if users.is_empty():
            return past
        names = [str(user) for user in users]
        found, _ = self._histories.or_none(names)
        fresh = [(row, users[row], place) for row, places in enumerate(found) for place in places]
        if not fresh:
            return past
        codes = items.encode([place.item_id for _, _, place in fresh]).astype(np.int64)
        columns = {
            USER_ID: [user for _, user, _ in fresh],
            ITEM_ID: [place.item_id for _, _, place in fresh],
            TIMESTAMP: [place.timestamp for _, _, place in fresh],
            EVENT_TYPE: [place.event_type for _, _, place in fresh],
            ROW: [row for row, _, _ in fresh],
            CODE: codes,
        }
        told = [pl.Series(n, v).cast(past.schema[n]) for n, v in columns.items() if n in past]
        return pl.concat([past, pl.DataFrame(told)], how="diagonal")
