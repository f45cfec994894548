"""Search over a catalogue: by words and by meaning, in the order that suits the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import Encoder, item_texts, momentary
from foretaste.content.item_text import text_fields
from foretaste.content.unit import unit
from foretaste.data import PADDING, Vocabulary
from foretaste.data.schema import ITEM_ID
from foretaste.errors import InputError
from foretaste.models import Recommender
from foretaste.ranking.index import VectorIndex, build_index
from foretaste.search.analysis import words_of
from foretaste.search.config import SearchConfig
from foretaste.search.fusion import Found, Fused, fuse, personalise
from foretaste.search.intent import Intent, IntentFinder
from foretaste.search.lexical import WordIndex
from foretaste.search.spelling import Spelling

Id = str | int

#: Names of the rankings, as results give them for their source.
WORDS, MEANING = "words", "meaning"

#: How much of the order is the person's where nothing else is asked for.
SLIDER = 0.3


@dataclass(frozen=True)
class Seeker:
    """Who searches.

    Attributes:
        model: What knows their taste.
        history: Ids of the items they acted on, oldest first; may be empty.
    """

    model: Recommender
    history: Sequence[Id] = ()


@dataclass(frozen=True)
class SearchResult:
    """What was found.

    Attributes:
        items: `item_id`, `rank` (from 1), `score` (from 0 to 1) and `source`: "words", "meaning",
            both, or the recommender that filled an empty page.
        intent: What the query seems to be about.
        corrections: Words that were searched in place of others.
        reason: Why these are no plain results; empty where they are.
    """

    items: pl.DataFrame
    intent: Intent
    corrections: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "items": self.items.to_dicts(),
            "intent": self.intent.to_dict(),
            "corrections": self.corrections,
            "reason": self.reason,
        }


class SearchEngine:
    """Finds items of a catalogue for words.

    Args:
        items: `item_id` and texts.
        encoder: For search by meaning; without one, words alone are searched.
        config: Settings.

    Raises:
        DataError: There is no text to search, an id is null, or listed twice.
        MissingExtraError: The extra `search` is not installed.
    """

    def __init__(
        self,
        items: pl.DataFrame,
        *,
        encoder: Encoder | None = None,
        config: SearchConfig | None = None,
    ) -> None:
        self.config = config or SearchConfig()
        self.encoder = encoder
        self._fields = text_fields(items, self.config.fields)
        self._attributes = [name for name in self.config.attributes if name in items.columns]
        self._items = items.clear()
        self._vocabulary = Vocabulary(items[ITEM_ID].clear())
        self._deleted = np.empty(0, np.int32)
        self._words = WordIndex(
            language=self.config.language, title_weight=self.config.title_weight
        )
        self._vectors: VectorIndex | None = None
        self._spelling = Spelling()
        self.add(items)
        # After the items: with the network that has read them.
        self._query_encoder = None if encoder is None else momentary(encoder)

    def __len__(self) -> int:
        return len(self._words)

    def add(self, items: pl.DataFrame) -> None:
        """Takes in items that came later; those it holds already are passed over.

        Raises:
            DataError: They lack a column that is searched, or an id is null.
        """
        vocabulary = self._vocabulary.extended(items[ITEM_ID])
        unknown = pl.Series(self._vocabulary.encode(items[ITEM_ID]) == PADDING)
        new = items.filter(unknown).unique(ITEM_ID, keep="first", maintain_order=True)
        if new.is_empty():
            return
        codes = np.arange(self._vocabulary.size, vocabulary.size, dtype=np.int32)
        titles, rests = item_texts(new, self._fields[:1]), self._rests(new)
        vectors = None if self.encoder is None else self.encoder.encode(new)
        self._words.add(codes, titles.to_list(), rests.to_list())
        if vectors is not None:
            self._add_vectors(codes, vectors)
        self._spelling.add(word for text in (*titles, *rests) for word in words_of(text))
        self._items = pl.concat([self._items, new], how="diagonal_relaxed")
        self._intent = IntentFinder(self._items, self._attributes)
        self._vocabulary = vocabulary

    def delete(self, ids: Sequence[Id]) -> None:
        """Forgets items; ids that it does not hold are passed over."""
        codes = np.setdiff1d(self._codes(ids), self._deleted)
        self._words.delete(codes)
        if self._vectors is not None:
            self._vectors.delete(np.intersect1d(codes, self._vectors.codes))
        self._deleted = np.union1d(self._deleted, codes).astype(np.int32)

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        seeker: Seeker | None = None,
        slider: float = SLIDER,
        allowed: Sequence[Id] | None = None,
    ) -> SearchResult:
        """Finds items for a query.

        Words that no item has are read as the nearest that one has. Where nothing is found, the
        page is filled with what the person is recommended, and the reason says so.

        Args:
            query: In any script.
            k: Items at most.
            seeker: Who asks; None ranks for nobody in particular.
            slider: How much the order is the person's: 0 for the query alone, 1 for the person's
                taste alone, among what was found.
            allowed: Ids among which to search; nothing else is ever in the answer.

        Raises:
            InputError: The query has no words, k is below 1, or the slider is not from 0 to 1.
        """
        words = words_of(query)
        _check(words, k, slider)
        codes = None if allowed is None else np.setdiff1d(self._codes(allowed), self._deleted)
        corrections = self._corrections(words)
        words = [corrections.get(word, word) for word in words]
        found = self._find(" ".join(words) if corrections else query, words, codes)
        intent = self._intent.find(words, found.codes)
        if not len(found.codes):
            return self._nothing_found(query, k, seeker, codes, intent)
        scores = found.relevance
        if seeker is not None:
            scores = personalise(found.relevance, self._liking(found.codes, seeker), slider)
        order = np.lexsort((found.codes, -found.relevance, -scores))[:k]
        items = pl.DataFrame(
            {
                ITEM_ID: self._vocabulary.decode(found.codes[order]),
                "rank": np.arange(1, len(order) + 1, dtype=np.int32),
                "score": scores[order],
                "source": [found.sources[place] for place in order],
            }
        )
        return SearchResult(items, intent, corrections, _reason(corrections))

    # Inside.

    def _rests(self, items: pl.DataFrame) -> pl.Series:
        """What items say beside their titles."""
        if len(self._fields) == 1:
            return pl.repeat("", len(items), eager=True)
        return item_texts(items, self._fields[1:])

    def _add_vectors(self, codes: NDArray[np.int32], vectors: NDArray[np.float32]) -> None:
        said = vectors.any(axis=1)
        codes, vectors = codes[said], unit(vectors[said])
        if self._vectors is not None:
            self._vectors.add(codes, vectors)
        elif len(codes):
            fingerprint = None if self.encoder is None else self.encoder.fingerprint
            self._vectors = build_index(codes, vectors, self.config.index, fingerprint=fingerprint)

    def _codes(self, ids: Sequence[Id]) -> NDArray[np.int32]:
        codes = self._vocabulary.encode(ids)
        return np.unique(codes[codes != PADDING])

    def _corrections(self, words: Sequence[str]) -> dict[str, str]:
        unknown = [word for word in words if not self._words.knows(word)]
        nearest = {word: self._spelling.correct(word) for word in unknown}
        return {word: near for word, near in nearest.items() if near is not None}

    def _find(self, query: str, words: list[str], allowed: NDArray[np.int32] | None) -> Fused:
        by_words = self._words.search(words, self.config.pool, allowed=allowed)
        rankings = {WORDS: by_words, MEANING: self._by_meaning(query, allowed)}
        return fuse(rankings, {WORDS: 1.0, MEANING: self.config.meaning_weight})

    def _by_meaning(self, query: str, allowed: NDArray[np.int32] | None) -> Found:
        """Items, and how far their likeness to the query is above the least."""
        if self._query_encoder is None or self._vectors is None:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        # The query stands where titles stand, in a row that says nothing else.
        row = self._items.clear(1).with_columns(pl.lit(query).alias(self._fields[0]))
        vector = unit(self._query_encoder.encode(row))
        among = None if allowed is None else self._vectors.mask_of(allowed)
        near = self._vectors.search(vector, self.config.pool, allowed=among)
        above = near.scores[0] - self.config.least_likeness
        return near.items[0][above > 0], above[above > 0]

    def _liking(self, codes: NDArray[np.int32], seeker: Seeker) -> NDArray[np.float64]:
        """float64[n], the model's scores; NaN for items it does not know."""
        theirs = seeker.model.item_vocabulary.encode(self._vocabulary.decode(codes))
        liking = np.full(len(codes), np.nan)
        known = theirs != PADDING
        if known.any():
            ids = self._vocabulary.decode(codes[known]).to_list()
            liking[known] = seeker.model.score([list(seeker.history)], ids)[0]
        return liking

    def _nothing_found(
        self,
        query: str,
        k: int,
        seeker: Seeker | None,
        allowed: NDArray[np.int32] | None,
        intent: Intent,
    ) -> SearchResult:
        reason = f"Nothing here is like “{query.strip()}”."
        present = np.setdiff1d(np.arange(1, self._vocabulary.size), self._deleted)
        offered = self._vocabulary.decode(present if allowed is None else allowed)
        if seeker is not None:
            model = seeker.model
            offered = offered.filter(model.item_vocabulary.encode(offered) != PADDING)
        if seeker is None or offered.is_empty():
            empty = {ITEM_ID: self._vocabulary.ids.dtype, "rank": pl.Int32}
            items = pl.DataFrame(schema=empty | {"score": pl.Float64, "source": pl.String})
            return SearchResult(items, intent, reason=reason)
        items = seeker.model.recommend(histories=[list(seeker.history)], k=k, candidates=offered)
        kind = "chosen for this person" if seeker.history else "popular"
        items = items.select(pl.col(ITEM_ID), "rank", pl.lit(0.0).alias("score"), "source")
        return SearchResult(items, intent, reason=f"{reason} These are {kind} instead.")


def _check(words: list[str], k: int, slider: float) -> None:
    if not words:
        raise InputError("the query has no words.", field="query")
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}.", field="k")
    if not 0 <= slider <= 1:
        raise InputError(f"the slider goes from 0 to 1, not to {slider}.", field="slider")


def _reason(corrections: dict[str, str]) -> str:
    if not corrections:
        return ""
    said = ", ".join(f"“{near}” for “{word}”" for word, near in corrections.items())
    return f"Nothing has all that was typed; searched {said}."
