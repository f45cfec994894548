"""The configuration of ranking: section `ranking` of a run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from foretaste.config import Config
from foretaste.ranking.diversity import DiversityConfig
from foretaste.ranking.exploration import ExplorationConfig
from foretaste.ranking.index import IndexConfig
from foretaste.ranking.paging import PagingConfig
from foretaste.ranking.rules import Pin, Promotion, RuleError, SeenConfig, parse_rule
from foretaste.ranking.safety import SafetyConfig
from foretaste.ranking.similar import Likeness

SourceName = Literal["model", "popular", "new", "similar"]


class SimilarConfig(Config):
    """What makes items similar.

    Attributes:
        by: Their words, who acted on them, or both; by default both where there are words.
        weight: Of behaviour in a blend.
        anchors: How many of the latest items of a history the source `similar` starts from.
    """

    by: Likeness = "blend"
    weight: float = Field(default=0.5, ge=0, le=1)
    anchors: int = Field(default=3, ge=1)


class RankingConfig(Config):
    """From a model's scores to a list; with everything at its default, the model's own list.

    Attributes:
        sources: Where candidates come from: the model's best, the most popular, the model's best
            among items without events, what resembles the latest items. The model ranks them all.
        pool: Candidates of each source.
        index: How the model's best items are found in a large catalogue, of a model that scores by
            vectors; None scores every item.
        rules: In the filter language of `foretaste.ranking.rules.language`.
        availability: An item column that says whether, or how many, there are.
        seen: Which items of the history may come again.
        safety: What is never shown.
        diversity: What lists are wanted to be beyond relevant.
        exploration: How items are tried out; None does not.
        promotions: Quotas of items among the first places.
        pins: Items with a place of their own.
        similar: What makes items similar.
        paging: How lists are kept for later pages; None keeps none.
    """

    sources: tuple[SourceName, ...] = Field(default=("model",), min_length=1)
    pool: int = Field(default=200, ge=1)
    index: IndexConfig | None = IndexConfig()
    rules: tuple[str, ...] = ()
    availability: str | None = None
    seen: SeenConfig = SeenConfig()
    safety: SafetyConfig = SafetyConfig()
    diversity: DiversityConfig = DiversityConfig()
    exploration: ExplorationConfig | None = None
    promotions: tuple[Promotion, ...] = ()
    pins: tuple[Pin, ...] = ()
    similar: SimilarConfig = SimilarConfig()
    paging: PagingConfig | None = None

    @field_validator("rules")
    @classmethod
    def _are_rules(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        for rule in rules:
            _parsed(rule)
        return rules

    @model_validator(mode="after")
    def _promotions_are_rules(self) -> RankingConfig:
        for promotion in self.promotions:
            _parsed(promotion.where)
        if len(set(self.sources)) < len(self.sources):
            raise PydanticCustomError("sources", "a source is named twice")
        return self

    @property
    def reads_content(self) -> bool:
        """Whether a stage needs content vectors or the encoder they come from."""
        sliders = self.diversity.sliders
        return (
            self.safety.harm is not None
            or ("similar" in self.sources and self.similar.by != "behaviour")
            or (self.diversity.likeness == "content" and bool({"mmr", "dpp"} & set(sliders)))
            or (self.exploration is not None and self.exploration.policy == "linucb")
        )


def _parsed(rule: str) -> None:
    try:
        parse_rule(rule)
    except RuleError as error:
        # The text holds no braces of its own that pydantic would fill in.
        raise PydanticCustomError("rule", "{why}", {"why": str(error)}) from None
