"""From candidates to lists, in item codes: the stages in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content import Encoder
from foretaste.errors import InputError
from foretaste.models import ByVectors, Recommender
from foretaste.ranking.candidates import CandidateLists, merge
from foretaste.ranking.catalogue import Catalogue
from foretaste.ranking.config import RankingConfig
from foretaste.ranking.diversity import Diversity
from foretaste.ranking.exploration import Bandit, Exploration, make_bandit
from foretaste.ranking.index import VectorIndex
from foretaste.ranking.item_search import item_search
from foretaste.ranking.rules import BoundRules, Placement, Rules, SeenItems, availability
from foretaste.ranking.safety import SafetyGate
from foretaste.ranking.safety.gate import TOO_YOUNG
from foretaste.ranking.similar import SimilarItems
from foretaste.ranking.sources import (
    FixedSource,
    IndexSource,
    ModelSource,
    PopularSource,
    SimilarSource,
    Source,
)
from foretaste.ranking.stage import Outcome, Request, Stage, Verdict, drop
from foretaste.ranking.trace import Trace, Tracer


@dataclass(frozen=True)
class RankByModel:
    """The stage that orders candidates by a recommender's scores, ties broken by code."""

    model: Recommender
    name: str = "rank"

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Scores what the model did not propose itself, and sorts."""
        scores = self._proposed(lists)
        if np.isnan(scores).any():
            scores = self.model.score_rows(request.histories, lists.items)
        order = np.lexsort((lists.items.values, -scores, lists.rows))
        return Outcome(lists.with_scores(scores).arranged(order))

    def _proposed(self, lists: CandidateLists) -> NDArray[np.float32]:
        """float32[total], the scores the model gave when it proposed items; NaN for the others."""
        if self.model.name not in lists.sources:
            return np.full(len(lists.items.values), np.nan, np.float32)
        return lists.source_scores[:, lists.sources.index(self.model.name)]


@dataclass(frozen=True)
class Cut:
    """The stage that leaves as many items as are asked for."""

    name: str = "page"

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Drops what stands after the last place."""
        after = lists.places >= request.depth
        return drop(lists, after.astype(np.int64), [f"after place {request.depth}"])


class RankingPipeline:
    """Finds candidates and takes them through the stages of a configuration.

    Candidates, rank, rules, seen items, safety, diversity, exploration, stages of one's own,
    placement, and safety again: whatever any of them does, nothing passes the last gate that is
    blocked. What rules about items alone, availability and safety ban is not even searched, so a
    filtered list is as long as an unfiltered one.

    Args:
        config: What the stages do.
        catalogue: The items.
        model: The fitted recommender that ranks.
        events: Columns of people's events and their types, for the rules that ask about them.
        encoder: Of the items' content, for the classifier of harmful items.
        bandit: A policy with experience, in place of a new one of the configured kind.
        index: Of the model's items, built earlier with `config.index`, such as for the pipeline
            that this one follows or by the run; new items are added to a copy of it. By default a
            new one is built where it is worth its while.
        sources: More sources of candidates.
        stages: More stages, between exploration and placement.

    Raises:
        InputError: Something in the configuration does not fit the items; see the stages.
    """

    def __init__(
        self,
        config: RankingConfig,
        catalogue: Catalogue,
        model: Recommender,
        *,
        events: Mapping[str, pl.DataType] | None = None,
        encoder: Encoder | None = None,
        bandit: Bandit | None = None,
        index: VectorIndex | None = None,
        sources: Sequence[Source] = (),
        stages: Sequence[Stage] = (),
    ) -> None:
        self.config = config
        self.catalogue = catalogue
        self.model = model
        self.rules = Rules(config.rules, catalogue, events)
        self.safety = SafetyGate(config.safety, catalogue, encoder)
        self.bandit = bandit
        if bandit is None and config.exploration is not None:
            self.bandit = make_bandit(config.exploration, catalogue)
        self.search = item_search(model, config.index, index)
        self._available = availability(catalogue, config.availability)
        self._placement = Placement.of(config.pins, config.promotions, catalogue)
        self._similar: SimilarItems | None = None
        self._sources = [*self._configured_sources(), *sources]
        self._between = self._reordering_stages() + list(stages)

    @property
    def needs_events(self) -> bool:
        """Whether requests must bring people's events."""
        return self.rules.needs_events or self.config.seen.days is not None

    @property
    def exploring(self) -> tuple[Bandit, str]:
        """What tries items out, and the name of its policy.

        Raises:
            InputError: Nothing does.
        """
        if self.bandit is None or self.config.exploration is None:
            raise InputError(
                "nothing explores, so nothing learns.",
                field="ranking.exploration",
                hint="Give the configuration a section 'exploration: {policy: thompson}'.",
            )
        return self.bandit, self.config.exploration.policy

    def make_ready_like(self, other: RankingPipeline) -> None:
        """Makes now what is else made when first asked for, if the other has been asked for it."""
        if other._similar is not None:
            _ = self.similar

    @property
    def similar(self) -> SimilarItems:
        """Finds items like an item; made when first asked for."""
        if self._similar is None:
            self._similar = SimilarItems(
                self.catalogue,
                histories=self.model.histories,
                by=self.config.similar.by,
                weight=self.config.similar.weight,
            )
        return self._similar

    def verdict(self, parameters: Mapping[str, Any], oldest: int) -> Verdict:
        """What may be shown at all, under the rules, to people of at most this age.

        Raises:
            RuleError: A parameter is missing or of the wrong type.
        """
        if not parameters:
            return self._verdict_by_age(oldest)
        return _judged(self._bound(parameters), self.safety, oldest)

    def rank(self, request: Request) -> tuple[CandidateLists, Trace]:
        """The lists of everybody in the request, at most `depth` items each, and how they came.

        Raises:
            RuleError: A parameter is missing or of the wrong type, or events are.
        """
        rules = self._bound(request.parameters)
        ages = self.safety.known_ages(request.ages)
        verdict = self.verdict(request.parameters, int(ages.max(initial=0)))
        started = time.perf_counter()
        lists = self._candidates(request, verdict.allowed)
        tracer = Tracer(request, lists, 1000 * (time.perf_counter() - started))
        for stage in self._stages(rules):
            tracer.run(stage)
        return tracer.lists, tracer.trace(verdict, self.catalogue.vocabulary, self.search.told)

    @cached_property
    def _without_parameters(self) -> BoundRules:
        """The rules as most requests have them, looked through once."""
        return self._bound_to({})

    @cached_property
    def _verdict_by_age(self) -> Callable[[int], Verdict]:
        """The verdict under the rules without parameters, of the latest few ages asked for."""
        # Of these two alone: if it held the pipeline, a replaced one, and its model with it, would
        # stay until the garbage collector comes by.
        return lru_cache(maxsize=8)(partial(_judged, self._without_parameters, self.safety))

    def _bound(self, parameters: Mapping[str, Any]) -> BoundRules:
        return self._bound_to(parameters) if parameters else self._without_parameters

    def _bound_to(self, parameters: Mapping[str, Any]) -> BoundRules:
        rules = self.rules.bind(parameters)
        return replace(rules, verdict=self._available.and_then(rules.verdict))

    def _stages(self, rules: BoundRules) -> list[Stage]:
        seen = SeenItems(self.config.seen, self.catalogue.size)
        return [
            RankByModel(self.model),
            rules,
            seen,
            self.safety,
            *self._between,
            self._placement,
            self.safety,
            Cut(),
        ]

    def _reordering_stages(self) -> list[Stage]:
        stages: list[Stage] = []
        if self.config.diversity.sliders:
            stages.append(Diversity.of(self.config.diversity, self.catalogue))
        if self.bandit is not None:
            top = self.config.exploration.top if self.config.exploration else self.config.pool
            stages.append(Exploration(self.bandit, top))
        return stages

    def _candidates(self, request: Request, allowed: NDArray[np.bool_]) -> CandidateLists:
        n = max(self.config.pool, request.depth)
        if self.rules.needs_events or not self.config.seen.always:
            # What those leave out is of the person's history: as many more are wanted.
            n += int(request.histories.lengths.max(initial=0))
        proposals = [(source.name, source.propose(request, n, allowed)) for source in self._sources]
        return merge(proposals, len(request))

    def _configured_sources(self) -> list[Source]:
        made: dict[str, Source] = {
            "model": self._best(self.model.name),
            "popular": PopularSource(self.catalogue),
            "new": self._best("new", self.catalogue.counts == 0),
        }
        if "similar" in self.config.sources:
            made["similar"] = SimilarSource(self.similar, self.config.similar.anchors)
        sources = [made[name] for name in self.config.sources]
        if len(self._placement.pinned):
            sources.append(FixedSource(self._placement.pinned, "pin"))
        if len(self._placement.promoted):
            among: NDArray[np.bool_] = np.logical_or.reduce(self._placement.promoted, axis=0)
            sources.append(self._best("promotion", among))
        return sources

    def _best(self, name: str, among: NDArray[np.bool_] | None = None) -> Source:
        """The model's best items, of all or of some."""
        exclude_seen, index = self.config.seen.always, self.search.index
        if index is None or not isinstance(self.model, ByVectors):
            return ModelSource(self.model, name, exclude_seen, among)
        return IndexSource(self.model, index, name, exclude_seen, among)


def _judged(rules: BoundRules, safety: SafetyGate, oldest: int) -> Verdict:
    verdict = rules.verdict.and_then(safety.verdict)
    return verdict.also(safety.least_age > oldest, TOO_YOUNG)
