"""The words of a catalogue, and which of them a mistyped word was meant to be."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any

from foretaste.errors import MissingExtraError

#: Shorter words are too near each other to be guessed; up to `_SHORT` letters allow one slip,
#: longer ones two.
_LEAST = 3
_SHORT = 5

#: After every letter that a word can have.
_LAST = "\U0010ffff"


class Spelling:
    """Finds words of a catalogue by their first letters, or by almost their letters.

    Distances are those of Damerau (1964): letters added, lost, changed or swapped with their
    neighbour; through `rapidfuzz`.

    Raises:
        MissingExtraError: `rapidfuzz` is not installed.

    Attributes:
        words: The distinct words, sorted.
    """

    def __init__(self) -> None:
        self._extract, self._distance = _package()
        self._counts: Counter[str] = Counter()
        self.words: list[str] = []

    def add(self, words: Iterable[str]) -> None:
        """Takes in all the words of more texts, as `words_of` gives them."""
        self._counts.update(words)
        self.words = sorted(self._counts)

    def __contains__(self, word: str) -> bool:
        return word in self._counts

    def starting_with(self, start: str) -> range:
        """Places in `words` of those that start so."""
        return range(bisect_left(self.words, start), bisect_left(self.words, start + _LAST))

    def correct(self, word: str) -> str | None:
        """The nearest word, the most frequent of those; None where none is near enough."""
        return self._nearest(word, self.words)

    def correct_start(self, start: str) -> str | None:
        """The nearest start of a word, as long as the given one."""
        starts = dict.fromkeys(word[: len(start)] for word in self.words)
        return self._nearest(start, list(starts))

    def _nearest(self, word: str, among: list[str]) -> str | None:
        if len(word) < _LEAST:
            return None
        found = self._extract(
            word,
            among,
            scorer=self._distance,
            score_cutoff=1 if len(word) <= _SHORT else 2,
            limit=None,
        )
        if not found:
            return None
        return min(found, key=lambda match: (match[1], -self._counts[match[0]], match[0]))[0]


def _package() -> tuple[Any, Any]:
    """Finding what is near, and the distance."""
    try:
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract
    except ImportError:
        raise MissingExtraError("rapidfuzz", "search") from None
    return extract, OSA.distance
