"""Search, suggestions, and audiences: the catalogue asked from the other side."""

from foretaste.search.analysis import words_of
from foretaste.search.audience import AudienceConfig, find_audience, items_like
from foretaste.search.config import SearchConfig
from foretaste.search.engine import SLIDER, SearchEngine, SearchResult, Seeker
from foretaste.search.intent import Guess, Intent
from foretaste.search.suggestions import Suggester

__all__ = [
    "SLIDER",
    "AudienceConfig",
    "Guess",
    "Intent",
    "SearchConfig",
    "SearchEngine",
    "SearchResult",
    "Seeker",
    "Suggester",
    "find_audience",
    "items_like",
    "words_of",
]
