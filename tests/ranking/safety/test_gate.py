"""Nothing that is blocked appears, through whatever path: proved over random policies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.errors import ConfigError, DataError
from foretaste.models import Ranking
from foretaste.ranking import (
    Catalogue,
    HarmClassifier,
    RankingConfig,
    RankingPipeline,
    Request,
    ReviewQueue,
)
from foretaste.ranking.paging import InProcessStore
from foretaste.ranking.ranker import Ranker
from foretaste.ranking.safety import HarmConfig, SafetyConfig, SafetyGate
from tests.ranking.rules.test_placement import in_order
from tests.ranking.safety.test_classifier import GIN, GinEncoder
from tests.ranking.worlds import BY_VECTORS, CATALOGUE, DATA, ITEMS, LOG, MODEL, ranker

IDS = DATA.items["item_id"].to_list()
ROWS = {row["item_id"]: row for row in DATA.items.to_dicts()}
ids = st.sampled_from(IDS)
slider = st.sampled_from([0.0, 0.4, 1.0])

safety = st.fixed_dictionaries(
    {
        "blocked_items": st.lists(ids, max_size=15, unique=True),
        "blocked_terms": st.lists(st.sampled_from(["gin", "no. 7", "lemonade"]), max_size=2),
        "age": st.none()
        | st.fixed_dictionaries(
            {
                "column": st.just("rating"),
                "ratings": st.just({"G": 0, "R": 17}),
                "assumed": st.sampled_from([0, 30]),
            }
        ),
    }
)
policies = st.fixed_dictionaries(
    {
        "safety": safety,
        "sources": st.lists(
            st.sampled_from(["model", "popular", "new", "similar"]), min_size=1, unique=True
        ),
        "pool": st.integers(1, 40),
        "index": st.none() | st.sampled_from([{"kind": "exact"}, {"kind": "ivf"}]),
        "rules": st.lists(
            st.sampled_from(["INCLUDE item WHERE price > 3", 'EXCLUDE item WHERE category = "c1"']),
            max_size=1,
        ),
        "seen": st.fixed_dictionaries({"exclude": st.booleans()}),
        "diversity": st.fixed_dictionaries(
            {"mmr": slider, "dpp": slider, "calibration": slider, "popularity": slider}
        ),
        "exploration": st.none()
        | st.fixed_dictionaries(
            {"policy": st.sampled_from(["epsilon-greedy", "thompson", "linucb"])}
        ),
        "pins": st.lists(ids, max_size=3, unique=True).map(
            lambda items: [{"item": item, "place": n + 1} for n, item in enumerate(items)]
        ),
        "promotions": st.lists(
            st.just({"where": 'INCLUDE item WHERE category = "c2"', "least": 3}), max_size=1
        ),
        "paging": st.just({"depth": 12}),
    }
)
harms = st.none() | st.fixed_dictionaries(
    {
        "block": st.sampled_from([0.5, 0.9, 1.0]),
        "review": st.sampled_from([0.2, 0.5]),
        "show_unreviewed": st.booleans(),
        "decisions": st.dictionaries(ids, st.sampled_from(["allow", "block"]), max_size=5),
    }
)
ages = st.none() | st.sampled_from([0, 16, 17, 40])


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = HarmClassifier.fit(DATA.items, GIN, GinEncoder())
    return found.save(tmp_path_factory.mktemp("harm") / "harm.safetensors")


def harmful(item: str, likely: dict[str, float], harm: dict[str, Any]) -> bool:
    """By the definition, for one item."""
    decision = harm["decisions"].get(item)
    if decision is not None:
        return decision == "block"
    if likely[item] >= harm["block"]:
        return True
    return likely[item] >= harm["review"] and not harm["show_unreviewed"]


def blocked(item: str, policy: dict[str, Any], age: int | None) -> bool:
    """By the definition, for one item."""
    safety = policy["safety"]
    words = ROWS[item]["title"].lower()
    # In these titles every term stands as a whole word wherever it stands.
    if item in safety["blocked_items"] or any(term in words for term in safety["blocked_terms"]):
        return True
    if safety["age"] is None:
        return False
    years = safety["age"]["assumed"] if age is None else age
    return ROWS[item]["rating"] == "R" and years < 17


class Everything:
    """A source that proposes all items, whatever it is told."""

    name = "everything"

    def propose(self, request: Request, n: int, allowed: np.ndarray) -> Ranking:
        items = np.tile(np.arange(1, ITEMS + 1, dtype=np.int32), (len(request), 1))
        return Ranking(items, np.ones(items.shape, np.float32))


@settings(max_examples=60)
@given(policies, harms, ages, st.integers(1, 12))
def test_nothing_blocked_appears_through_any_path(
    classifier: Path, policy: dict[str, Any], harm: dict[str, Any] | None, age: int | None, k: int
) -> None:
    kept_out = set[str]()
    config = RankingConfig.parse(policy)
    if harm is not None:
        queue = ReviewQueue(classifier.with_name("queue.jsonl"))
        queue.path.unlink(missing_ok=True)
        for item, decision in harm["decisions"].items():
            queue.add(pl.Series([item]), pl.Series([0.5]))
            queue.decide([item], decision)
        said = {name: value for name, value in harm.items() if name != "decisions"}
        theirs = HarmConfig.parse(said | {"classifier": classifier, "queue": queue.path})
        safety = config.safety.model_copy(update={"harm": theirs})
        config = config.model_copy(update={"safety": safety})
        vectors = GinEncoder().encode(DATA.items)
        chances = HarmClassifier.load(classifier).probabilities(vectors, encoder="gin-1")
        likely = dict(zip(IDS, chances.tolist(), strict=True))
        kept_out = {item for item in IDS if harmful(item, likely, harm)}
    model = MODEL if config.index is None else BY_VECTORS
    pipeline = RankingPipeline(
        config,
        CATALOGUE,
        model,
        events=LOG.schema,
        encoder=GinEncoder(),
        sources=[Everything()],
    )
    answers = Ranker(pipeline, events=LOG)
    found = answers.recommend(users=["p0", "p5", "nobody"], k=k, ages=[age] * 3)
    shown = [found.table]
    shown += [
        answers.page(recommendation_id, number, k)
        for recommendation_id in found.recommendation_ids
        for number in (1, 2, 3)
    ]
    shown.append(answers.similar(IDS[:6], k=ITEMS, age=age))
    shelves = answers.because_you_watched(users=["p0", "p5"], k=5, age=age)
    shown += [shelves, shelves.select(item_id="anchor_id")]
    for table in shown:
        for item in table["item_id"].unique():
            assert item not in kept_out
            assert not blocked(item, policy, age), item
    # And nothing is blocked that should not be.
    allowed = pipeline.safety.allowed(-1 if age is None else age)[1:]
    shown_to_some = [not blocked(item, policy, age) and item not in kept_out for item in IDS]
    assert allowed.tolist() == shown_to_some


@given(safety, ages, st.lists(st.lists(st.integers(1, ITEMS), unique=True), min_size=1, max_size=4))
def test_gate_passes_exactly_what_is_allowed(
    safety: dict[str, Any], age: int | None, rows: list[list[int]]
) -> None:
    gate = SafetyGate(SafetyConfig.parse(safety), CATALOGUE)
    ages = np.full(len(rows), -1 if age is None else age)
    request = replace(Request.of(Ragged.from_rows([[]] * len(rows)), 3), ages=ages)
    outcome = gate(in_order(rows), request)
    for row, given_items in enumerate(rows):
        left = outcome.lists.items[row].tolist()
        assert left == [
            code for code in given_items if not blocked(IDS[code - 1], {"safety": safety}, age)
        ]
    assert len(outcome.dropped.items) + len(outcome.lists.items.values) == sum(map(len, rows))


def test_people_of_a_batch_have_their_own_ages() -> None:
    rated = {"column": "rating", "ratings": {"G": 0, "R": 17}}
    answers = ranker(safety={"age": rated})
    table = answers.recommend(users=["p0", "p1", "p2"], k=ITEMS, ages=[40, 12, None]).table
    rated_r = {item for item in IDS if ROWS[item]["rating"] == "R"}
    found = {
        user: set(part["item_id"]) & rated_r
        for (user,), part in table.partition_by("user_id", as_dict=True).items()
    }
    assert found["p0"]
    assert not found["p1"]
    assert not found["p2"]


def test_unrated_items_are_for_adults_unless_said_otherwise() -> None:
    ages = {"column": "rating", "ratings": {"G": 0}}
    gate = SafetyGate(SafetyConfig.parse({"age": ages}), CATALOGUE)
    assert set(gate.least_age[1:]) == {0, 18}
    as_numbers = SafetyGate(SafetyConfig.parse({"age": {"column": "stock"}}), CATALOGUE)
    assert as_numbers.least_age[1:].tolist() == [n % 6 for n in range(ITEMS)]


def test_what_is_blocked_later_leaves_the_pages_that_were_kept() -> None:
    store = InProcessStore(10)
    settings = {"paging": {"depth": 12}}
    before = Ranker(ranker(**settings).pipeline, store=store)
    found = before.recommend(users=["p0"], k=4)
    [name] = found.recommendation_ids
    second = before.page(name, 2, 4)["item_id"].to_list()
    stricter = RankingConfig.parse(settings | {"safety": {"blocked_items": [second[1]]}})
    after = Ranker(RankingPipeline(stricter, CATALOGUE, MODEL), store=store)
    assert after.page(name, 2, 4)["item_id"].to_list() == [second[0], *second[2:]]
    assert after.page(name, 1, 4).equals(found.table)


def test_a_policy_that_can_t_be_applied_is_refused() -> None:
    for column in ("no such", "categories"):
        with pytest.raises(ConfigError):
            ranker(safety={"age": {"column": column}})
    wordless = Catalogue.of(MODEL, DATA.items.drop("title", "categories", "brand"))
    with pytest.raises(DataError):
        SafetyGate(SafetyConfig.parse({"blocked_terms": ["gin"]}), wordless)
    assert SafetyGate(SafetyConfig(), wordless).allowed().all()
