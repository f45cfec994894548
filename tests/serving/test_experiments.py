from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.serving.config import ExperimentConfig
from foretaste.serving.experiments import report_on, variant_of
from foretaste.serving.store import open_store
from foretaste.serving.store.base import Answer, Event, Store


def experiment(*shares: float, name: str = "e") -> ExperimentConfig:
    arms = [{"name": f"arm-{n}", "share": share} for n, share in enumerate(shares)]
    return ExperimentConfig.parse({"name": name, "variants": arms})


@given(st.text(min_size=1), st.text("abc", min_size=1))
def test_a_person_stays_in_their_arm(person: str, name: str) -> None:
    config = experiment(1, 2, 3, name=name)
    assert variant_of(config, person) == variant_of(config, person)


def test_people_are_divided_by_the_shares_and_anew_for_each_experiment() -> None:
    people = [f"person-{n}" for n in range(20_000)]
    arms = [variant_of(experiment(1, 3), person).name for person in people]
    assert arms.count("arm-1") / len(people) == pytest.approx(0.75, abs=0.01)
    others = [variant_of(experiment(1, 3, name="f"), person).name for person in people]
    alike = sum(a == b for a, b in zip(arms, others, strict=True)) / len(people)
    assert alike == pytest.approx(0.75**2 + 0.25**2, abs=0.015)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store.db"))


def told(store: Store, arm: str, people: int, successes: int) -> None:
    store.add_answers(
        [
            Answer(f"{arm}-{n}", f"{arm}-{n}", "v", f"e:{arm}", ("i",), (1.0,), n)
            for n in range(people)
        ]
    )
    store.add_events(
        [
            Event(f"{arm}-{n}", f"{arm}-{n}", "i", n, "click", recommendation_id=f"{arm}-{n}")
            for n in range(successes)
        ]
    )


def test_the_interval_of_the_difference_is_newcombes(store: Store) -> None:
    # Newcombe (1998), table II: 56/70 against 48/80 by method 10 is 0.0524 to 0.3339.
    told(store, "arm-0", 80, 48)
    told(store, "arm-1", 70, 56)
    report = report_on(experiment(1, 1), store)
    assert [(arm.people, arm.successes) for arm in report.arms] == [(80, 48), (70, 56)]
    assert report.arms[1].difference == pytest.approx(0.2)
    assert report.arms[1].low == pytest.approx(0.0524, abs=5e-5)
    assert report.arms[1].high == pytest.approx(0.3339, abs=5e-5)
    assert not report.mismatch


def test_arms_that_are_not_divided_as_meant_are_told(store: Store) -> None:
    told(store, "arm-0", 600, 5)
    told(store, "arm-1", 400, 5)
    assert report_on(experiment(1, 1), store).mismatch
    assert not report_on(experiment(3, 2), store).mismatch


def test_what_others_did_and_other_events_count_nothing(store: Store) -> None:
    told(store, "arm-0", 10, 0)
    told(store, "arm-1", 10, 0)
    store.add_events(
        [
            Event("x", "arm-0-1", "i", 1, "view", recommendation_id="arm-0-1"),
            Event("y", "arm-0-1", "i", 1, "click", recommendation_id="unknown"),
            Event("z", "arm-0-1", "i", 1, "click"),
        ]
    )
    assert [arm.successes for arm in report_on(experiment(1, 1), store).arms] == [0, 0]


def test_nothing_has_come_yet(store: Store) -> None:
    report = report_on(experiment(1, 1), store)
    assert (report.ratio_p, report.mismatch) == (1.0, False)
    assert (report.arms[1].low, report.arms[1].high) == (-1.0, 1.0)
