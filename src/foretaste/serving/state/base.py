"""What a service holds for a while: fresh histories, lists with later pages, counts of calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from foretaste.errors import ForetasteError
from foretaste.serving.store.base import Place


class StateUnavailableError(ForetasteError):
    """The live state can't be reached right now; the store still knows all that matters."""


class State(ABC):
    """Holds what may be lost: everything in it can be had from the store again, or expires.

    Calls may come from several threads. Every call raises `StateUnavailableError` where the
    state can't be reached. What `put` and `get` keep is as in `foretaste.ranking.PageStore`.
    """

    @abstractmethod
    def histories(self, user_ids: Sequence[str]) -> list[list[Place] | None]:
        """The fresh history of each person, oldest first; None where it is not held."""

    @abstractmethod
    def hold(self, user_id: str, places: Sequence[Place]) -> None:
        """Holds a history as the store gave it, for people whose history was not held.

        Events that were appended meanwhile stay; none is there twice.
        """

    @abstractmethod
    def append(self, places: Mapping[str, Sequence[Place]]) -> None:
        """Adds events, by person, to histories that are held; others will be read when needed."""

    @abstractmethod
    def forget(self, user_id: str) -> None:
        """Drops all that is held of a person."""

    @abstractmethod
    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keeps a value for so many seconds, or until there is no room."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """The value, or None where it is not, or no longer, there."""

    @abstractmethod
    def count(self, key: str, seconds: float) -> int:
        """Counts a call, and says how many there were in the current window of so many seconds."""

    @abstractmethod
    def check(self) -> None:
        """Raises where the state can't be reached."""

    @abstractmethod
    def close(self) -> None:
        """Gives connections back."""
