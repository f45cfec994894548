"""What a person may be about to type: titles and categories that are popular, or to their taste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from foretaste.data import Ragged, Vocabulary
from foretaste.data.schema import ITEM_ID
from foretaste.errors import InputError
from foretaste.search.analysis import words_of
from foretaste.search.engine import SLIDER, Seeker
from foretaste.search.fusion import personalise
from foretaste.search.spelling import Spelling

_SOURCES: Final = ("title", "categories", "brand")

#: Typing "red la" is more likely to begin "Red lamp" than to end "Lamp, red": what begins as typed
#: comes first among suggestions of this much less weight.
_BEGINS = 0.5


class Suggester:
    """Completes what is typed, letter by letter.

    A suggestion has all the words typed so far, the last of which may be unfinished. Words that
    nothing has are read as the nearest that something has.

    Args:
        items: `item_id`, and titles, categories or brands.
        counts: int[rows], how often each item was acted on.

    Raises:
        InputError: There are no titles, categories or brands, or not a count for each item.
        MissingExtraError: The extra `search` is not installed.
    """

    def __init__(self, items: pl.DataFrame, counts: NDArray[np.integer]) -> None:
        if len(counts) != len(items):
            raise InputError(f"{len(counts)} counts for {len(items)} items.", field="counts")
        phrases = _phrases(items)
        self._ids = items[ITEM_ID]
        self._texts = phrases["text"]
        self._kinds = phrases["kind"]
        rows = Ragged.from_rows(phrases["rows"])
        ones = np.ones(len(rows.values), np.float32)
        #: float32[phrases, items]: which items a phrase leads to.
        self._leads = csr_matrix((ones, rows.values, rows.offsets), (len(rows), len(items)))
        popularity = np.log1p(self._leads @ counts)
        self._popularity = popularity / max(1.0, popularity.max(initial=0.0))
        self._starts = [" ".join(words_of(text)) for text in self._texts]
        self._index_words()

    def suggest(
        self, typed: str, k: int = 8, *, seeker: Seeker | None = None, slider: float = SLIDER
    ) -> pl.DataFrame:
        """The likeliest completions of what was typed.

        Args:
            typed: As it stands, perhaps in the middle of a word.
            k: At most.
            seeker: Who types; None suggests what is popular.
            slider: 0 for what is popular alone, 1 for the person's taste alone.

        Returns:
            Columns `text`, `kind` ("title", "categories" or "brand") and `score`, best first.

        Raises:
            InputError: k is below 1.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}.", field="k")
        words = words_of(typed)
        finished = not typed or typed[-1].isspace()
        places = self._with_words(words, finished=finished)
        scores = self._popularity[places]
        if len(places):
            taste = self._taste(places, seeker)
            scores = personalise(scores, taste, 0.0 if seeker is None else slider)
        begins = np.array([self._starts[place].startswith(" ".join(words)) for place in places])
        order = np.lexsort((places, -(scores + _BEGINS * begins)))[:k]
        chosen = places[order]
        return pl.DataFrame(
            {
                "text": self._texts.gather(chosen),
                "kind": self._kinds.gather(chosen),
                "score": scores[order],
            }
        )

    def _index_words(self) -> None:
        """For every word, in order, the places of the phrases that have it."""
        spelled = [list(dict.fromkeys(start.split())) for start in self._starts]
        self._spelling = Spelling()
        self._spelling.add(word for words in spelled for word in words)
        place_of = {word: place for place, word in enumerate(self._spelling.words)}
        words = np.array([place_of[word] for words in spelled for word in words], np.int64)
        phrases = np.repeat(np.arange(len(spelled)), [len(words) for words in spelled])
        order = np.argsort(words, kind="stable")
        self._postings = Ragged.from_groups(
            phrases[order].astype(np.int32), words[order].astype(np.int32), len(place_of)
        )

    def _with_words(self, words: Sequence[str], *, finished: bool) -> NDArray[np.int64]:
        """Places of the phrases that have all the words, rising."""
        if not words:
            return np.arange(len(self._texts))
        whole = list(words) if finished else list(words[:-1])
        found = [self._having(word) for word in whole]
        if not finished:
            found.append(self._having_start(words[-1]))
        common = found[0]
        for places in found[1:]:
            common = np.intersect1d(common, places, assume_unique=True)
        return common

    def _having(self, word: str) -> NDArray[np.int64]:
        if word not in self._spelling:
            word = self._spelling.correct(word) or word
        if word not in self._spelling:
            return np.empty(0, np.int64)
        return self._postings[self._spelling.starting_with(word).start].astype(np.int64)

    def _having_start(self, start: str) -> NDArray[np.int64]:
        words = self._spelling.starting_with(start)
        if not words:
            nearest = self._spelling.correct_start(start)
            words = words if nearest is None else self._spelling.starting_with(nearest)
        offsets = self._postings.offsets
        return np.unique(self._postings.values[offsets[words.start] : offsets[words.stop]]).astype(
            np.int64
        )

    def _taste(self, places: NDArray[np.int64], seeker: Seeker | None) -> NDArray[np.float64]:
        """float64[n]: the best standing with the person among the items a phrase leads to."""
        if seeker is None:
            return np.full(len(places), np.nan)
        vocabulary: Vocabulary = seeker.model.item_vocabulary
        leads = self._leads[places]
        rows = np.unique(leads.indices)
        known = rows[vocabulary.encode(self._ids.gather(rows)) != 0]
        if not len(known):
            return np.full(len(places), np.nan)
        liked = seeker.model.score([list(seeker.history)], self._ids.gather(known).to_list())[0]
        # Ranks from 1, so that what a phrase does not lead to, 0, is below all that it does.
        ranks = np.zeros(len(self._ids))
        ranks[known[np.argsort(liked, kind="stable")]] = np.arange(1, len(known) + 1)
        best = leads.multiply(ranks).max(axis=1).toarray().ravel()
        return np.where(best > 0, best, np.nan)


def _phrases(items: pl.DataFrame) -> pl.DataFrame:
    """Distinct `text` and `kind`, with the `rows` of the items that have it."""
    kinds = [name for name in _SOURCES if name in items.columns]
    if not kinds:
        raise InputError(f"the items have none of {', '.join(_SOURCES)}.", field="items")
    tables = []
    for kind in kinds:
        table = items.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("rows"), text=kind)
        if table["text"].dtype == pl.List:
            table = table.explode("text")
        tables.append(table.with_columns(pl.col("text").cast(pl.String), kind=pl.lit(kind)))
    return (
        pl.concat(tables)
        .drop_nulls()
        .unique()
        .sort("rows")
        .group_by("text", "kind", maintain_order=True)
        .agg("rows")
    )
