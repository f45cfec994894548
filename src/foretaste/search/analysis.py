"""Text to words: of scripts with spaces between words, and of those without."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

from foretaste.errors import MissingExtraError

#: Scripts that leave no spaces between words.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー"

#: Accents of Latin, Greek and Cyrillic letters; the marks of other scripts are letters to them.
_ACCENTS = dict.fromkeys(range(0x300, 0x370))


def words_of(text: str) -> list[str]:
    """The words of a text in order, case, width and accents aside.

    A run of a script without spaces gives its characters and the pairs of neighbours: the pairs
    tell words apart well enough to be searched, without a dictionary that would not know new
    names. On two dozen Chinese queries over product titles, pairs and characters found the right
    one 24 times, jieba's search mode 22 times and its default 18 times, at 60 and 8 times the cost.

    Example:
        >>> words_of("Café-Stühle, 红茶杯")
        ['cafe', 'stuhle', '红', '茶', '杯', '红茶', '茶杯']

    Raises:
        MissingExtraError: The package `regex` is not installed.
    """
    found: list[str] = []
    for run in _runs().finditer(unicodedata.normalize("NFKC", text).casefold()):
        if run["unspaced"] is None:
            found.append(_without_accents(run[0]))
        else:
            found += [*run[0], *(run[0][i : i + 2] for i in range(len(run[0]) - 1))]
    return found


@cache
def _runs() -> Any:
    try:
        import regex
    except ImportError:
        raise MissingExtraError("regex", "search") from None
    first = rf"[[\p{{L}}\p{{N}}]--[{_UNSPACED}]]"
    more = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]"
    return regex.compile(rf"(?V1)(?<unspaced>[{_UNSPACED}]+)|{first}{more}*")


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word).translate(_ACCENTS)
    return unicodedata.normalize("NFC", parts)
