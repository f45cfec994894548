"""Splits never show a model what it is asked to foresee."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import get_args

import numpy as np
import polars as pl
import polars.testing
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foretaste.data import Dataset, Split, SplitKind, Targets
from foretaste.errors import ConfigError, DataError
from tests.data.worlds import Event, dataset, events

KINDS: tuple[str, ...] = get_args(SplitKind)
WIDE = {"validation": 0.25, "test": 0.25}
kinds = st.sampled_from(KINDS)
Rows = dict[int, tuple[list[int], list[int]]]


def divided(data: Dataset, kind: str, **options: object) -> Split:
    """The split, with wide shares; a world too small for it is passed over."""
    shares = {} if kind == "leave-one-out" else WIDE
    try:
        return data.split(kind, **shares, **options)
    except DataError as error:
        assume("too small" not in error.message)
        raise


def by_user(rows: list[Event]) -> dict[int, list[Event]]:
    """What each person did, in order; rows at one moment stay in the order of the input."""
    people: dict[int, list[Event]] = defaultdict(list)
    for event in sorted(rows, key=lambda event: event[2]):
        people[event[0]].append(event)
    return dict(sorted(people.items()))


def ids(data: Dataset, targets: Targets) -> Rows:
    """User id -> history and targets, as ids."""
    decode = data.item_vocabulary.decode
    return {
        user: (decode(targets.histories[row]).to_list(), decode(targets.items[row]).to_list())
        for row, user in enumerate(data.user_vocabulary.decode(targets.users))
    }


def train_rows(split: Split) -> list[Event]:
    return split.train.events.select("user_id", "item_id", "timestamp").rows()


def foreseen(people: dict[int, list[Event]], known: set[Event], held_out: set[Event]) -> Rows:
    """The targets by definition: held-out items once each, known events before the first."""
    rows: Rows = {}
    for user, acts in people.items():
        places = [place for place, act in enumerate(acts) if act in held_out]
        if places:
            before = [act[1] for act in acts[: places[0]] if act in known]
            rows[user] = before, list(dict.fromkeys(acts[place][1] for place in places))
    return rows


@given(events(distinct_times=True))
def test_leave_one_out_by_definition(rows: list[Event]) -> None:
    data = dataset(rows)
    split = divided(data, "leave-one-out")
    people = by_user(rows)
    long = [acts for acts in people.values() if len(acts) >= 3]
    test, validation = {acts[-1] for acts in long}, {acts[-2] for acts in long}
    train = set(rows) - test - validation
    assert set(train_rows(split)) == train
    assert ids(data, split.validation) == foreseen(people, train, validation)
    assert ids(data, split.test) == foreseen(people, train | validation, test)


@given(events(distinct_times=True))
def test_temporal_by_definition(rows: list[Event]) -> None:
    data = dataset(rows)
    split = divided(data, "temporal")
    people = by_user(rows)
    in_order = sorted(rows, key=lambda event: event[2])
    train = set(train_rows(split))
    share = len(train) / len(rows)
    assert train == set(in_order[: len(train)])
    assert abs(share - 0.5) <= 1 / len(rows)
    cut = len(rows) - sum(
        1 for event in rows if event[2] >= np.quantile([e[2] for e in rows], 0.75, method="higher")
    )
    validation, test = set(in_order[len(train) : cut]), set(in_order[cut:])
    assert ids(data, split.validation) == foreseen(people, train, validation)
    assert ids(data, split.test) == foreseen(people, train | validation, test)


@given(events(distinct_times=False))
def test_temporal_puts_one_moment_on_one_side(rows: list[Event]) -> None:
    split = divided(dataset(rows), "temporal")
    latest = max(event[2] for event in train_rows(split))
    left_out = [event for event in rows if event[2] > latest]
    assert len(left_out) + len(train_rows(split)) == len(rows)


@given(events(distinct_times=True), st.integers(0, 5))
def test_random_holds_people_out_whole(rows: list[Event], seed: int) -> None:
    data = dataset(rows)
    split = divided(data, "random", seed=seed)
    people = by_user(rows)
    validation, test = ids(data, split.validation), ids(data, split.test)
    held_out = set(validation) | set(test)
    assert set(train_rows(split)) == {event for event in rows if event[0] not in held_out}
    assert not set(validation) & set(test)
    assert len(validation) == len(test) == round(len(people) / 4)
    for user, (history, items) in (validation | test).items():
        assert history == [event[1] for event in people[user][:-1]]
        assert items == [people[user][-1][1]]


@given(events(distinct_times=True), st.integers(0, 5))
def test_item_cold_items_are_nowhere_but_in_targets(rows: list[Event], seed: int) -> None:
    data = dataset(rows)
    split = divided(data, "item-cold", seed=seed)
    people = by_user(rows)
    warm = {event[1] for event in train_rows(split)}
    parts = [ids(data, split.validation), ids(data, split.test)]
    cold = [{item for _, items in part.values() for item in items} for part in parts]
    assert warm | cold[0] | cold[1] == {event[1] for event in rows}
    assert len(warm) + len(cold[0]) + len(cold[1]) == len(data.item_vocabulary)
    train = {event for event in rows if event[1] in warm}
    assert set(train_rows(split)) == train
    for part, items in zip(parts, cold, strict=True):
        assert part == foreseen(people, train, {event for event in rows if event[1] in items})
        assert all(set(history) <= warm for history, _ in part.values())
    assert (split.train.item_counts[1:] > 0).sum() == len(warm)


@given(events(distinct_times=True), kinds, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows: list[Event], kind: str, random: Random) -> None:
    first = divided(dataset(rows), kind)
    second = divided(dataset(random.sample(rows, len(rows))), kind)
    assert first.fingerprint == second.fingerprint
    assert train_rows(first) == train_rows(second)


@given(events(distinct_times=False), kinds)
def test_targets_are_well_formed_under_ties_and_repeats(rows: list[Event], kind: str) -> None:
    data = dataset(rows)
    split = divided(data, kind)
    assert split.kind == kind
    assert split.train.item_vocabulary == data.item_vocabulary
    for part in (split.validation, split.test):
        assert len(part) == len(part.histories) == len(part.items) == len(np.unique(part.users))
        assert part.items.lengths.min() >= 1
        for row in range(len(part)):
            items = part.items[row]
            assert len(np.unique(items)) == len(items)
        assert (part.items.values > 0).all()
        assert (part.histories.values > 0).all()


@given(events(distinct_times=True), kinds, st.data())
def test_fingerprint_changes_if_and_only_if_the_question_does(
    rows: list[Event], kind: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    user, item, moment = rows[place]
    changed = [*rows[:place], (user, item % 12 + 1, moment), *rows[place + 1 :]]
    worlds = [dataset(rows), dataset(changed)]
    splits = [divided(world, kind) for world in worlds]
    questions = [
        (
            world.item_vocabulary.ids.to_list(),
            [event[:2] for event in train_rows(split)],
            ids(world, split.validation),
            ids(world, split.test),
        )
        for world, split in zip(worlds, splits, strict=True)
    ]
    same = questions[0] == questions[1]
    assert (splits[0].fingerprint == splits[1].fingerprint) == same


WORLD = [
    (user, 1 + (user * move) % 11, 100 * move + user) for user in range(1, 9) for move in range(6)
]


def test_fingerprint_tells_kinds_seeds_and_shares_apart() -> None:
    data = dataset(WORLD)
    splits = [
        data.split("leave-one-out"),
        data.split("temporal", **WIDE),
        data.split("temporal", validation=0.25, test=0.26),
        *(
            data.split(kind, **WIDE, seed=seed)
            for kind in ("random", "item-cold")
            for seed in (0, 1)
        ),
    ]
    assert len({split.fingerprint for split in splits}) == len(splits)
    assert data.split("leave-one-out").fingerprint == splits[0].fingerprint
    assert len(splits[0].fingerprint) == 64


def test_default_kind_follows_the_clock() -> None:
    assert dataset(WORLD).split(**WIDE).kind == "temporal"
    assert dataset(WORLD, clock="order").split().kind == "leave-one-out"


def test_take_picks_rows_of_targets() -> None:
    test = dataset(WORLD).split("leave-one-out").test
    taken = test.take(np.array([2, 0]))
    assert taken.users.tolist() == test.users[[2, 0]].tolist()
    assert taken.histories[1].tolist() == test.histories[0].tolist()
    assert taken.items[0].tolist() == test.items[2].tolist()


def test_short_histories_stay_in_training() -> None:
    rows = [(1, 1, 1), (1, 2, 2), *((2, item, item) for item in range(1, 5))]
    split = dataset(rows).split("leave-one-out")
    assert {event[:2] for event in train_rows(split)} == {(1, 1), (1, 2), (2, 1), (2, 2)}


@pytest.mark.parametrize(
    ("kind", "options", "field", "hint"),
    [
        ("temporel", {}, "split.kind", "leave-one-out, temporal, random, item-cold"),
        ("leave-one-out", {"test": 0.1}, "split.test", "It has: none."),
        ("temporal", {"seed": 1}, "split.seed", "validation, test"),
        ("random", {"test": 0}, "split", None),
        ("random", {"validation": 0.5, "test": 0.5}, "split", None),
        ("item-cold", {"validation": -0.1}, "split", None),
    ],
)
def test_wrong_settings_are_refused(
    kind: str, options: dict[str, object], field: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        dataset(WORLD).split(kind, **options)
    assert caught.value.field == field
    assert hint is None or hint in (caught.value.hint or "")


@pytest.mark.parametrize("kind", KINDS)
def test_too_little_data_is_refused(kind: str) -> None:
    with pytest.raises(DataError, match="too small"):
        dataset([(1, 1, 1), (2, 1, 2)]).split(kind)


def test_order_is_no_time() -> None:
    with pytest.raises(DataError, match="real timestamps") as caught:
        dataset(WORLD, clock="order").split("temporal")
    assert "leave-one-out" in (caught.value.hint or "")


def test_training_data_is_a_data_set_of_its_own() -> None:
    data = dataset(WORLD)
    train = data.split("leave-one-out").train
    assert train.fingerprint != data.fingerprint
    assert len(train) == len(train.events) == len(train.user_codes) == len(train.item_codes)
    pl.testing.assert_frame_equal(train.items, data.items)
    assert replace(train).fingerprint == train.fingerprint
