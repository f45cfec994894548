from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.errors import ConfigError, InputError
from foretaste.models import Ranking
from foretaste.ranking import Request
from foretaste.ranking.candidates import CandidateLists, merge
from foretaste.ranking.rules import Pin, Placement, Promotion
from tests.ranking.worlds import CATALOGUE, ITEMS, ranker


def in_order(rows: list[list[int]]) -> CandidateLists:
    """Lists of these codes, in this order."""
    width = max(map(len, rows), default=0)
    items = np.array([row + [0] * (width - len(row)) for row in rows], np.int32)
    lists = merge(
        [("s", Ranking(items.reshape(len(rows), width), np.ones(items.shape)))], len(rows)
    )
    place = {(r, item): n for r, row in enumerate(rows) for n, item in enumerate(row)}
    keys = [
        place[pair] for pair in zip(lists.rows.tolist(), lists.items.values.tolist(), strict=True)
    ]
    return lists.arranged(np.lexsort((keys, lists.rows)))


def placed(stage: Placement, rows: list[list[int]]) -> list[list[int]]:
    lists = stage(in_order(rows), Request.of(Ragged.from_rows([[]] * len(rows)), 5)).lists
    return [lists.items[row].tolist() for row in range(len(rows))]


def slow_pins(row: list[int], pins: dict[int, int]) -> list[int]:
    rest = [item for item in row if item not in pins]
    for item, place in sorted(pins.items(), key=lambda pin: pin[1]):
        if item in row:
            rest.insert(place, item)
    return rest


some_lists = st.lists(
    st.lists(st.integers(1, ITEMS), max_size=12, unique=True), min_size=1, max_size=5
)


@given(some_lists, st.dictionaries(st.integers(1, ITEMS), st.integers(0, 14), max_size=4))
def test_pins_stand_in_their_places(rows: list[list[int]], pins: dict[int, int]) -> None:
    pins = {item: place for place, item in {place: item for item, place in pins.items()}.items()}
    ids = CATALOGUE.vocabulary.ids
    chosen = tuple(Pin(item=ids[item - 1], place=place + 1) for item, place in pins.items())
    stage = Placement.of(chosen, (), CATALOGUE)
    assert placed(stage, rows) == [slow_pins(row, pins) for row in rows]


@given(some_lists, st.integers(0, 4), st.none() | st.integers(0, 4), st.integers(1, 8))
def test_promotions_keep_their_quotas(
    rows: list[list[int]], least: int, most: int | None, within: int
) -> None:
    least = min(least, within)
    most = None if most is None else max(most, least)
    promotion = Promotion(
        where='INCLUDE item WHERE category = "c1"', least=least, most=most, within=within
    )
    promoted = {code for code in range(1, ITEMS + 1) if (code - 1) % 3 == 1}
    found = placed(Placement.of((), (promotion,), CATALOGUE), rows)
    for row, new in zip(rows, found, strict=True):
        assert sorted(new) == sorted(row)
        there = [item for item in row if item in promoted]
        head = [item for item in new[:within] if item in promoted]
        assert len(head) >= min(least, len(there))
        others = len(row) - len(there)
        if most is not None and others >= within - min(least, len(there)):
            assert len(head) <= most
        # Nobody overtakes one of their own kind.
        assert [item for item in new if item in promoted] == there
        assert [i for i in new if i not in promoted] == [i for i in row if i not in promoted]


def test_a_list_that_meets_its_quota_is_left_alone() -> None:
    promotion = Promotion(where='INCLUDE item WHERE category = "c1"', least=2, within=5)
    row = [2, 1, 5, 3, 4, 6]
    assert placed(Placement.of((), (promotion,), CATALOGUE), [row]) == [row]


def test_pinned_items_become_candidates_and_go_through_the_rules() -> None:
    pins = [{"item": "i20", "place": 2}, {"item": "i21"}]
    table = ranker(pins=pins, pool=3).recommend(users=["p0"], k=4).table
    assert table["item_id"].to_list()[:2] == ["i21", "i20"]
    assert table["source"].to_list()[:2] == ["pin", "pin"]
    kept = ranker(pins=pins, rules=['EXCLUDE item WHERE item_id = "i21"'])
    found = kept.recommend(users=["p0"], k=4)
    assert found.table["item_id"][1] == "i20"
    assert "i21" not in found.table["item_id"]


def test_promoted_items_become_candidates() -> None:
    promotions = [{"where": 'INCLUDE item WHERE brand = "b0"', "least": 3, "within": 4}]
    table = ranker(promotions=promotions, pool=2).recommend(users=["p0", "p1"], k=4).table
    promoted = {n for n in range(ITEMS) if n % 7 and n % 2 == 0}
    for _, part in table.group_by("user_id"):
        assert sum(int(item[1:]) in promoted for item in part["item_id"]) >= 3


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"pins": [{"item": "unheard of"}]}, ConfigError),
        ({"pins": [{"item": "i01"}, {"item": "i01", "place": 2}]}, InputError),
        ({"pins": [{"item": "i01"}, {"item": "i02"}]}, InputError),
        ({"promotions": [{"where": "EXCLUDE item"}]}, InputError),
        ({"promotions": [{"where": "INCLUDE item WHERE price < $max"}]}, InputError),
        ({"promotions": [{"where": "INCLUDE item", "least": 11}]}, ConfigError),
        ({"promotions": [{"where": "INCLUDE item", "least": 2, "most": 1}]}, ConfigError),
    ],
)
def test_pins_and_promotions_that_make_no_sense(settings: dict, error: type) -> None:
    with pytest.raises(error):
        ranker(**settings)
