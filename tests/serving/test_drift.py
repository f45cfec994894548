from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from foretaste.serving import Service, drift
from foretaste.serving.answers import Given, GivenItem
from foretaste.serving.doctor import Finding, examine
from foretaste.serving.drift import (
    HISTORIES,
    ITEMS,
    MARK,
    SCORES,
    WINDOW,
    Bins,
    Drift,
    Watched,
    stability_index,
)
from tests.serving.conftest import eventually

NUMBERS = arrays.arrays(
    np.float64, st.integers(1, 300), elements=st.floats(-1e9, 1e9, allow_subnormal=False)
)


def counted(bins: Bins, values: np.ndarray) -> list[int]:
    places = np.searchsorted(bins.edges, values, side="right")
    return np.bincount(places, minlength=len(bins.shares)).tolist()


def test_the_index_is_that_of_the_books() -> None:
    # Shares 0.5 and 0.5 against 0.25 and 0.75, of so many that halves do not matter.
    expected = 0.25 * np.log(2) + 0.25 * np.log(1.5)
    assert stability_index([0.5, 0.5], [250_000, 750_000]) == pytest.approx(expected, abs=1e-5)


@given(NUMBERS)
def test_a_reference_is_no_shift_from_itself(values: np.ndarray) -> None:
    bins = Bins.of(values)
    assert sum(bins.shares) == pytest.approx(1)
    assert list(bins.edges) == sorted(set(bins.edges))
    assert stability_index(bins.shares, counted(bins, values)) == pytest.approx(0, abs=1e-9)


@given(NUMBERS, NUMBERS)
def test_the_index_is_a_number_whatever_comes(reference: np.ndarray, values: np.ndarray) -> None:
    bins = Bins.of(reference)
    index = stability_index(bins.shares, counted(bins, values))
    assert np.isfinite(index)
    assert index >= 0


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=19), st.integers(0, 99))
def test_the_index_is_zero_for_no_observations(counts: list[int], seed: int) -> None:
    shares = np.random.default_rng(seed).dirichlet(np.ones(len(counts)))
    assert stability_index(shares.tolist(), [0] * len(counts)) == 0
    assert np.isfinite(stability_index(shares.tolist(), counts))


@pytest.mark.parametrize("draw", ["normal", "lengths", "constant"])
@given(seed=st.integers(0, 10**6))
def test_the_same_is_no_shift_and_another_is(draw: str, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def drawn(shift: int) -> np.ndarray:
        if draw == "normal":
            return rng.normal(shift, 1, WINDOW)
        return (rng.geometric(0.3, WINDOW) if draw == "lengths" else np.full(WINDOW, 12)) + shift

    watched = Watched(Bins.of(drawn(0)))
    watched.see(drawn(0))
    assert watched.index is not None
    assert watched.index < 0.1
    watched.see(drawn(1))
    assert watched.index > MARK


def test_few_observations_say_nothing() -> None:
    watched = Watched()
    watched.see(range(WINDOW))
    assert watched.index is None
    watched.see([*range(WINDOW - 1), float("nan"), float("inf")])
    assert watched.index is None
    watched.see([WINDOW])
    assert watched.index == pytest.approx(0, abs=0.01)


def test_many_threads_may_tell_it() -> None:
    watched = Watched(Bins((0.5,), (1.0, 0.0)))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: watched.see([0.0] * (WINDOW // 4)), range(4)))
    assert watched.index == 0


def lists(scores: Any, history: int = 1, degraded: str = "") -> list[Given]:
    return [
        Given("r", "v", (GivenItem("i", 1, float(score), "s", ""),), degraded, history=history)
        for score in scores
    ]


def test_what_a_model_sees_and_says_is_watched() -> None:
    rng = np.random.default_rng(0)
    watch = Drift(np.repeat([0, 5, 6, 7], 300), {})
    for _ in range(2):
        watch.answered(lists(rng.normal(size=WINDOW), history=6))
    assert set(watch.indices()) == {HISTORIES, SCORES}
    assert watch.indices()[HISTORIES] > MARK
    assert watch.indices()[SCORES] < MARK
    watch.answered(lists(rng.normal(3, size=WINDOW), history=0))
    assert watch.indices()[SCORES] > MARK
    watch.happened(np.arange(WINDOW) % 50 > 0)
    assert watch.indices()[ITEMS] < MARK
    watch.happened(np.arange(WINDOW) % 10 > 0)
    assert watch.indices()[ITEMS] > MARK


def test_lists_for_want_of_better_are_not_the_models() -> None:
    watch = Drift(np.ones(300, np.int64), {})
    watch.answered(lists(range(3 * WINDOW), degraded="store"))
    assert watch.indices() == {}


def test_what_was_seen_first_is_known_when_a_model_is_loaded_again() -> None:
    rng = np.random.default_rng(0)
    first = Drift(np.empty(0, np.int64), {})
    first.answered(lists(rng.normal(size=2 * WINDOW)))
    again = Drift(np.empty(0, np.int64), json.loads(json.dumps(first.kept())))
    assert again.kept() == first.kept()
    again.answered(lists(rng.normal(3, size=WINDOW)))
    assert again.indices()[SCORES] > MARK


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> int:
    """Observations that are judged together, so few that a test can make them."""
    monkeypatch.setattr(drift, "WINDOW", 40)
    return 40


def finding(service: Service) -> Finding:
    return next(one for one in examine(service.store, service.state) if one.about == "drift")


def drifts(http: TestClient, what: str) -> bool | None:
    """Whether the gauge is above the mark; None where there is none."""
    for line in http.get("/metrics").text.splitlines():
        if line.startswith(f'foretaste_drift{{model="knn",what="{what}"}}'):
            return float(line.rpartition(" ")[2]) > MARK
    return None


def test_events_on_unknown_items_are_told_once_until_they_end(
    quick: int, http: TestClient, service: Service
) -> None:
    def send(item: str) -> None:
        events = [{"user_id": "a", "item_id": item}] * quick
        assert http.post("/v1/events", json={"events": events}).json()["accepted"] == quick

    assert finding(service).level == "ok"
    with capture_logs() as logs:
        for item, unknown in (("900", True), ("900", True), ("101", False), ("900", True)):
            send(item)
            assert eventually(lambda unknown=unknown: drifts(http, ITEMS) is unknown)
    warnings = [log for log in logs if log["event"] == "model.drifts"]
    assert [(log["what"], log["version"]) for log in warnings] == [(ITEMS, "knn")] * 2
    assert eventually(lambda: finding(service).level == "warning")
    found = finding(service)
    assert "events on items that it has learnt nothing of" in found.says
    assert "foretaste refit" in found.remedy


def test_other_people_get_other_scores(quick: int, http: TestClient, service: Service) -> None:
    def ask(user: str) -> None:
        for _ in range(quick):
            assert http.post("/v1/recommendations", json={"user_id": user}).status_code == 200

    ask("2")
    ask("2")
    assert eventually(lambda: drifts(http, SCORES) is False)
    ask("nobody")
    assert eventually(lambda: drifts(http, SCORES) is True)
    assert eventually(lambda: "scores unlike those of its first lists" in finding(service).says)
