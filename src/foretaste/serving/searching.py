"""What people search in: made when it is first needed, and kept up with the catalogue."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from foretaste.content import Encoder
from foretaste.data.schema import ITEM_ID
from foretaste.errors import DataError, InputError
from foretaste.search import SearchEngine, Suggester
from foretaste.serving.catalogue import changed_table
from foretaste.serving.shelf import Shelf
from foretaste.serving.store.base import Fields

#: It is made anew after changes, at most so often.
_SECONDS = 60


@dataclass(frozen=True)
class Texts:
    """The words of a catalogue; how often that had changed when they were read, and when."""

    search: SearchEngine
    suggester: Suggester
    change: int
    made: float


class Searching:
    """Holds the words of the catalogue; lists for people never wait for it.

    Args:
        encoder: For search by meaning; without one, words alone are searched.
    """

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._texts: Texts | None = None
        self._making, self._using = threading.Lock(), threading.Lock()

    @contextmanager
    def texts(self, shelf: Shelf) -> Generator[Texts]:
        """The words, which nobody else uses meanwhile; made now if they never were.

        Raises:
            InputError: The catalogue has no words.
        """
        with self._making:
            if self._texts is None:
                self._texts = self._read(shelf)
        with self._using:
            yield self._texts

    def add(self, shelf: Shelf, changes: Mapping[str, Fields | None]) -> None:
        """Makes new items found at once; changed words and suggestions are when `again` says."""
        with self._using:
            if self._texts is not None:
                self._texts.search.add(changed_table(changes, shelf.items))

    def again(self, shelf: Shelf) -> None:
        """Reads the words anew if they have changed, once in a while."""
        texts = self._texts
        if texts is None or texts.change == shelf.change:
            return
        if time.monotonic() - texts.made > _SECONDS:
            read = self._read(shelf)
            with self._using:
                self._texts = read

    def _read(self, shelf: Shelf) -> Texts:
        shown, model = shelf.shown, shelf.model
        counts = model.item_counts[model.item_vocabulary.encode(shown[ITEM_ID])]
        try:
            search = SearchEngine(shown, encoder=self._encoder)
            return Texts(search, Suggester(shown, counts), shelf.change, time.monotonic())
        except DataError as error:
            raise InputError(f"the catalogue can't be searched: {error}") from None
