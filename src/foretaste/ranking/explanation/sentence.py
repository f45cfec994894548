"""Reasons in plain words. A sentence is made from named evidence and nothing else."""

from __future__ import annotations

from collections.abc import Sequence


def history_sentence(titles: Sequence[str]) -> str:
    """Says which items of the history carried a recommendation.

    Args:
        titles: Of the named items, strongest first, at least one.
    """
    return f"Because you chose {_listed([f'“{title}”' for title in titles])}."


def words_sentence(words: Sequence[str], title: str) -> str:
    """Says which words make an item read like one of the history.

    Args:
        words: The named words, strongest first, at least one.
        title: Of the item of the history.
    """
    verb = "makes" if len(words) == 1 else "make"
    return (
        f"What it says of {_listed([f'“{word}”' for word in words])} {verb} it read like “{title}”."
    )


def popularity_sentence(actions: int) -> str:
    """Says that an item is there because others chose it, so many times."""
    if not actions:
        return "Nothing is known of you that speaks for it, and nobody has chosen it yet."
    times = "once" if actions == 1 else f"{actions:,} times"
    return f"Nothing is known of you that speaks for it; others chose it {times}."


#: Where there is a history, but no part of it stands out and passes the test.
NOTHING_STANDS_OUT = (
    "No single thing you chose speaks for it; it follows from all of them together."
)


def _listed(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
