"""Each rule takes what it says, says what it takes, and takes nothing else."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import CleaningConfig, CleaningReport, Dataset, RuleOutcome, clean, read
from foretaste.errors import DataError
from tests.conftest import shared_data
from tests.data import worlds

NOON = 1_700_000_000_000
OFF = CleaningConfig(impossible_times=False, exact_duplicates=False, repeat_seconds=None)


def outcome(report: CleaningReport, rule: str) -> RuleOutcome:
    (found,) = [outcome for outcome in report.rules if outcome.rule == rule]
    return found


def took(report: CleaningReport, rule: str) -> tuple[int, int, int]:
    found = outcome(report, rule)
    return found.events, found.users, found.items


def only(**settings: object) -> CleaningConfig:
    return OFF.model_copy(update=settings)


def test_nothing_on_changes_nothing() -> None:
    data = worlds.dataset([(1, 1, 5), (1, 1, 5), (2, 1, NOON * 1000)])
    cleaned, report = clean(data, OFF)
    assert cleaned.fingerprint == data.fingerprint
    assert report.rules == ()


def test_times_before_the_web_and_after_now_go() -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    edge = round(now.timestamp() * 1000)
    data = worlds.dataset([(1, 1, NOON), (1, 2, 0), (2, 2, edge), (3, 3, edge + 1)])
    cleaned, report = clean(data, now=now)
    assert cleaned.timestamps.tolist() == [NOON, edge]
    assert took(report, "impossible-times") == (2, 1, 1)
    assert report.now == now


def test_an_order_is_no_time() -> None:
    data = worlds.dataset([(1, 1, 1), (1, 1, 2), (1, 2, 3)], clock="order")
    cleaned, report = clean(data)
    assert len(cleaned) == 3
    assert [outcome.rule for outcome in report.rules] == ["exact-duplicates"]


def test_by_default_now_is_the_wall_clock_with_a_day_of_slack() -> None:
    soon = round(datetime.now(UTC).timestamp() * 1000) + 3_600_000
    data = worlds.dataset([(1, 1, soon), (1, 2, soon + 3 * 86_400_000)])
    cleaned, _ = clean(data)
    assert cleaned.timestamps.tolist() == [soon]


def test_the_same_row_twice_is_one_event() -> None:
    events = worlds.table([(1, 1, NOON), (1, 1, NOON), (1, 1, NOON), (1, 2, NOON)])
    events = events.with_columns(event_type=pl.Series(["view", "view", "buy", "view"]))
    cleaned, report = clean(Dataset.from_tables(events), only(exact_duplicates=True))
    assert len(cleaned) == 3
    assert took(report, "exact-duplicates") == (1, 0, 0)


def test_the_same_event_id_twice_is_one_event_but_missing_ids_are_not_the_same() -> None:
    events = worlds.table([(1, 1, NOON), (1, 1, NOON + 9), (1, 2, NOON), (1, 3, NOON)])
    events = events.with_columns(event_id=pl.Series(["a", "a", None, None]))
    cleaned, report = clean(Dataset.from_tables(events), only(exact_duplicates=True))
    assert cleaned.events["item_id"].to_list() == [1, 2, 3]
    assert took(report, "exact-duplicates") == (1, 0, 0)


def test_an_action_repeated_within_a_minute_is_one_action() -> None:
    minute = 60_000
    times = [0, minute, 2 * minute, 3 * minute + 1, 3 * minute + 2]
    events = worlds.table([(1, 1, NOON + time) for time in times])
    events = events.with_columns(event_type=pl.Series(["view"] * 4 + ["buy"]))
    cleaned, report = clean(Dataset.from_tables(events), only(repeat_seconds=60))
    kept = [time - NOON for time in cleaned.timestamps.tolist()]
    assert kept == [0, 3 * minute + 1, 3 * minute + 2]
    assert took(report, "repeats") == (2, 0, 0)


def test_a_bot_goes_and_an_enthusiast_stays() -> None:
    people = [(user, item, NOON + item * 1000) for user in range(50) for item in range(user % 20)]
    enthusiast = [(100, item, NOON + item * 86_400_000) for item in range(300)]
    bot = [(200, item, NOON + item * 1000) for item in range(2_000)]
    data = worlds.dataset(people + enthusiast + bot)
    cleaned, report = clean(data, only(hyperactive_deviations=4.0))
    assert set(data.events["user_id"]) - set(cleaned.events["user_id"]) == {200}
    assert took(report, "hyperactive")[:2] == (2_000, 1)


def test_where_all_but_one_do_the_same_nobody_is_hyperactive_below_the_floor() -> None:
    data = worlds.dataset([(user, 1, NOON) for user in range(50)] + [(99, i, i) for i in range(90)])
    _, report = clean(data, only(hyperactive_deviations=1.0))
    assert took(report, "hyperactive") == (0, 0, 0)


def naive_core(events: list[worlds.Event], user: int, item: int) -> list[worlds.Event]:
    while True:
        users, items = Counter(e[0] for e in events), Counter(e[1] for e in events)
        kept = [e for e in events if users[e[0]] >= user and items[e[1]] >= item]
        if len(kept) == len(events):
            return kept
        events = kept


@given(worlds.events(distinct_times=True), st.integers(1, 5), st.integers(1, 5))
def test_the_core_is_that_of_the_definition(
    events: list[worlds.Event], user: int, item: int
) -> None:
    expected = naive_core(events, user, item)
    config = only(min_user_events=user, min_item_events=item)
    if not expected:
        with pytest.raises(DataError, match="k-core"):
            clean(worlds.dataset(events), config)
        return
    cleaned, _ = clean(worlds.dataset(events), config)
    assert cleaned.events.rows() == worlds.dataset(expected).events.rows()
    assert set(cleaned.item_vocabulary.ids) == {event[1] for event in expected}


@given(worlds.events(distinct_times=False))
def test_events_never_vanish_without_a_line(events: list[worlds.Event]) -> None:
    data = worlds.dataset([(user, item, NOON + time * 20_000) for user, item, time in events])
    cleaned, report = clean(data, CleaningConfig(only_with_events=True))
    assert len(data) - len(cleaned) == sum(outcome.events for outcome in report.rules)
    for name in ("users", "items"):
        lost = len(getattr(data, name)) - len(getattr(cleaned, name))
        assert lost == sum(getattr(outcome, name) for outcome in report.rules)
    again, second = clean(cleaned, now=report.now)
    assert again.fingerprint == cleaned.fingerprint
    assert not any(outcome.events for outcome in second.rules)


def catalogue() -> Dataset:
    """Item 1 is well liked, 2 has one event, 3 one impossible event, 4 none; 5 is not described."""
    return Dataset.from_tables(
        worlds.table([(1, 1, NOON), (2, 1, NOON), (1, 2, NOON), (2, 3, 7), (3, 5, 7)]),
        pl.DataFrame({"item_id": [1, 2, 3, 4], "title": ["a", "b", "c", None]}),
    )


def test_described_items_stay_as_cold_items() -> None:
    cleaned, report = clean(catalogue())
    assert cleaned.items["item_id"].to_list() == [1, 2, 3, 4]
    assert cleaned.users["user_id"].to_list() == [1, 2]
    assert took(report, "impossible-times") == (2, 1, 2)


def test_the_core_takes_what_falls_short_and_leaves_what_never_had_events() -> None:
    cleaned, report = clean(catalogue(), CleaningConfig(min_item_events=2))
    assert cleaned.items["item_id"].to_list() == [1, 3, 4]
    assert took(report, "k-core") == (1, 0, 1)


def test_items_without_events_go_when_asked() -> None:
    cleaned, report = clean(catalogue(), CleaningConfig(only_with_events=True))
    assert cleaned.items["item_id"].to_list() == [1, 2]
    assert took(report, "only-with-events") == (0, 0, 2)


def test_a_report_can_be_read_and_stored() -> None:
    _, report = clean(catalogue(), now=datetime(2024, 1, 1, tzinfo=UTC))
    assert "kept 3 of 5 events" in str(report)
    assert "impossible-times (before 1995-01-01 or after 2024-01-01 00:00 UTC): took 2" in str(
        report
    )
    stored = json.loads(json.dumps(report.to_dict()))
    assert stored["now"] == "2024-01-01T00:00:00+00:00"
    assert stored["rules"][0]["events"] == 2


def test_notes_and_extra_columns_survive() -> None:
    events = worlds.table([(1, 1, NOON), (1, 2, 3)]).with_columns(device=pl.lit("tablet"))
    cleaned, _ = clean(Dataset.from_tables(events, notes=("a note",)))
    assert cleaned.notes == ("a note",)
    assert cleaned.events["device"].to_list() == ["tablet"]
    assert np.array_equal(cleaned.item_codes, [1])


@pytest.mark.slow
def test_the_five_core_of_movielens() -> None:
    data = read(shared_data("ml-1m"))
    config = CleaningConfig(min_user_events=5, min_item_events=5, only_with_events=True)
    cleaned, report = clean(data, config)
    counts = (len(cleaned.users), len(cleaned.items), len(cleaned))
    assert counts == (6_040, 3_416, 999_611)
    assert took(report, "repeats") == (0, 0, 0)
    assert took(report, "k-core") == (598, 0, 290)
    assert took(report, "only-with-events") == (0, 0, 177)
