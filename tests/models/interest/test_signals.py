"""Nothing of what a model reads may come from after a pair's own time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.models.interest.knowledge import Chronicle, learn
from foretaste.models.interest.log import Log, Pasts
from foretaste.models.interest.signals import DAY, Pairs, Signals

PEOPLE, ITEMS = 5, 6


def log_of(n: int, seed: int) -> Log:
    rng = np.random.default_rng(seed)
    return Log(
        rng.integers(1, PEOPLE + 1, n).astype(np.int32),
        rng.integers(1, ITEMS + 1, n).astype(np.int32),
        rng.integers(0, 2, n).astype(np.float32),
        rng.integers(0, 30, n) * DAY,
    )


def content() -> np.ndarray:
    vectors = np.random.default_rng(7).normal(size=(ITEMS + 1, 4)).astype(np.float32)
    vectors[0] = 0
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def signals_of(log: Log) -> Signals:
    return Signals(log, Chronicle(log, PEOPLE, content(), step=7), most=20)


@given(st.integers(0, 60), st.integers(0, 10_000), st.integers(0, 31))
def test_what_was_known_before_a_moment(n: int, seed: int, day: int) -> None:
    log = log_of(n, seed)
    moment = np.full(PEOPLE + 1, day * DAY)
    codes = np.arange(PEOPLE + 1, dtype=np.int32)
    first, last = log.by_person.spans(codes, moment)
    for code in codes:
        expected = np.flatnonzero((log.people == code) & (log.known < day * DAY))
        found = log.by_person.order[first[code] : last[code]]
        assert sorted(found) == sorted(expected)
        assert (np.diff(log.known[found]) >= 0).all()
        total = log.by_person.sums[last[code]] - log.by_person.sums[first[code]]
        assert total == log.labels[expected].sum()


@given(st.integers(20, 80), st.integers(0, 10_000), st.integers(1, 29))
def test_labels_that_came_later_change_nothing(n: int, seed: int, day: int) -> None:
    log, until = log_of(n, seed), day * DAY
    rng = np.random.default_rng(seed)
    rows = np.arange(30)
    pairs = Pairs(
        rng.integers(0, PEOPLE + 1, 30).astype(np.int32),
        rng.integers(0, ITEMS + 1, 30).astype(np.int32),
        until + rng.integers(0, 5, 30) * DAY,
        np.full(30, until),
    )
    later = log.known >= until
    flipped = np.where(later, 1 - log.labels, log.labels).astype(np.float32)
    other = Log(log.people, log.items, flipped, log.known)
    names, before = signals_of(log).of(pairs)
    # Differences of running sums are the same up to rounding.
    np.testing.assert_allclose(before, signals_of(other).of(pairs)[1], rtol=0, atol=1e-9)
    assert before.shape == (len(rows), len(names))


def test_a_past_is_the_latest_of_its_person() -> None:
    log = log_of(60, 3)
    first, last = log.by_person.spans(np.array([2], np.int32), np.array([20 * DAY]))
    past = Pasts.of(log.by_person, first, last, 3)
    known = np.flatnonzero((log.people == 2) & (log.known < 20 * DAY))
    expected = known[np.argsort(log.known[known], kind="stable")][-3:]
    np.testing.assert_array_equal(past.event, expected)
    assert past.sums(log.labels[past.event])[0] == log.labels[expected].sum()
    assert past.largest(log.labels[past.event], -1.0)[0] == log.labels[expected].max()


def test_rates_by_hand() -> None:
    log = Log(
        np.array([1, 1, 2], np.int32),
        np.array([1, 2, 1], np.int32),
        np.array([1, 0, 1], np.float32),
        np.array([1, 2, 3]) * DAY,
    )
    pairs = Pairs(
        np.array([1], np.int32), np.array([1], np.int32), np.array([4 * DAY]), np.array([3 * DAY])
    )
    names, [row] = signals_of(log).of(pairs)
    found = dict(zip(names, row, strict=True))
    # Of two labels known, one is 1; a hundred of one half come on top, then five of that.
    usual = (1 + 100 * 0.5) / 102
    assert found["person: rate"] == pytest.approx((1 + 5 * usual) / 7)
    assert found["item: rate"] == pytest.approx((1 + 5 * usual) / 6)
    assert found["person: days since the last"] == 2
    assert found["person: days since the first"] == 3
    assert found["days of which nothing is known"] == 1


def test_items_everybody_likes_are_good_whoever_met_them() -> None:
    rng = np.random.default_rng(0)
    people, items = rng.integers(1, 60, 3000), rng.integers(1, 9, 3000)
    chance = 0.2 + 0.3 * (items > 4) + 0.3 * (people > 30)
    labels = (rng.random(3000) < chance).astype(np.float32)
    log = Log(people.astype(np.int32), items.astype(np.int32), labels, np.arange(3000))
    quality = learn(log, 60, np.zeros((9, 1), np.float32)).quality
    assert quality[5:].mean() - quality[1:5].mean() == pytest.approx(0.3, abs=0.05)


def test_a_new_item_is_as_good_as_those_that_read_like_it() -> None:
    rng = np.random.default_rng(0)
    kinds = np.eye(2, dtype=np.float32)[np.arange(12) % 2]
    kinds[0] = 0
    items = rng.integers(1, 10, 2000)
    labels = (rng.random(2000) < np.where(items % 2, 0.8, 0.2)).astype(np.float32)
    log = Log(np.ones(2000, np.int32), items.astype(np.int32), labels, np.arange(2000))
    quality = learn(log, 1, kinds).quality
    assert quality[11] > 0.1
    assert quality[10] < -0.1
