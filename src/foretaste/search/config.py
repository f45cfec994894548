"""Settings of search."""

from __future__ import annotations

from pydantic import Field

from foretaste.config import Config
from foretaste.ranking.index import IndexConfig


class SearchConfig(Config):
    """How a catalogue is searched.

    Attributes:
        fields: Item columns that are searched, the title first; None takes those of title, brand,
            categories and description that are there.
        attributes: Columns whose values a query is taken to be about, those that are there.
        language: Whose endings are cut off words ("english", "german", …), None for none.
        title_weight: How much more a word of the title counts than one of the rest.
        meaning_weight: How much the ranking by meaning counts against the one by words.
        least_likeness: Cosine from which an item counts as found by meaning.
        pool: Items of each ranking that are put together, and then re-ranked for the person.
        index: How vectors are kept.
    """

    fields: tuple[str, ...] | None = Field(default=None, min_length=1)
    attributes: tuple[str, ...] = ("categories", "brand")
    language: str | None = "english"
    title_weight: float = Field(default=2.0, gt=0)
    meaning_weight: float = Field(default=0.5, ge=0)
    least_likeness: float = Field(default=0.3, ge=-1, le=1)
    pool: int = Field(default=200, ge=1)
    index: IndexConfig = IndexConfig()
