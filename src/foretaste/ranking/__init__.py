"""From scores to lists that people would want: candidates, rules, safety, diversity, pages.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretaste.ranking.because import because_you_watched
    from foretaste.ranking.candidates import CandidateLists
    from foretaste.ranking.catalogue import Catalogue
    from foretaste.ranking.config import RankingConfig
    from foretaste.ranking.diversity import DiversityConfig
    from foretaste.ranking.events import DatasetEvents, EventLog
    from foretaste.ranking.exploration import Bandit, ExplorationConfig
    from foretaste.ranking.paging import PageStore
    from foretaste.ranking.people_alike import PeopleAlike
    from foretaste.ranking.pipeline import RankingPipeline
    from foretaste.ranking.ranker import Ranker, Recommended
    from foretaste.ranking.rules import RuleError, parse_rule
    from foretaste.ranking.safety import HarmClassifier, ReviewQueue, SafetyConfig
    from foretaste.ranking.similar import SimilarItems
    from foretaste.ranking.sources import Source
    from foretaste.ranking.stage import Outcome, Request, Stage
    from foretaste.ranking.trace import Trace, Why

__all__ = [
    "Bandit",
    "CandidateLists",
    "Catalogue",
    "DatasetEvents",
    "DiversityConfig",
    "EventLog",
    "ExplorationConfig",
    "HarmClassifier",
    "Outcome",
    "PageStore",
    "PeopleAlike",
    "Ranker",
    "RankingConfig",
    "RankingPipeline",
    "Recommended",
    "Request",
    "ReviewQueue",
    "RuleError",
    "SafetyConfig",
    "SimilarItems",
    "Source",
    "Stage",
    "Trace",
    "Why",
    "because_you_watched",
    "parse_rule",
]

_HOMES = {
    "because": ("because_you_watched",),
    "candidates": ("CandidateLists",),
    "catalogue": ("Catalogue",),
    "config": ("RankingConfig",),
    "diversity": ("DiversityConfig",),
    "events": ("DatasetEvents", "EventLog"),
    "exploration": ("Bandit", "ExplorationConfig"),
    "paging": ("PageStore",),
    "people_alike": ("PeopleAlike",),
    "pipeline": ("RankingPipeline",),
    "ranker": ("Ranker", "Recommended"),
    "rules": ("RuleError", "parse_rule"),
    "safety": ("HarmClassifier", "ReviewQueue", "SafetyConfig"),
    "similar": ("SimilarItems",),
    "sources": ("Source",),
    "stage": ("Outcome", "Request", "Stage"),
    "trace": ("Trace", "Why"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
