from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.errors import InputError
from foretaste.ranking.paging import InProcessStore, Pager
from foretaste.ranking.ranker import Ranker
from tests.ranking.worlds import ITEMS, ranker


@settings(max_examples=20)
@given(st.integers(1, 9), st.integers(1, 30), st.booleans())
def test_pages_never_repeat_and_together_are_the_list(k: int, depth: int, explore: bool) -> None:
    chance = {"exploration": {"epsilon": 0.9}} if explore else {}
    answers = ranker(paging={"depth": depth}, seen={"exclude": False}, **chance)
    found = answers.recommend(users=["p0", "p1"], k=k)
    for row, name in enumerate(found.recommendation_ids):
        pages = [answers.page(name, number, k) for number in range(1, ITEMS // k + 2)]
        assert pages[0].equals(found.table.filter(pl.col("recommendation_id") == name))
        whole = pl.concat(pages)
        assert whole["rank"].to_list() == list(range(1, max(k, depth) + 1))
        assert not whole["item_id"].is_duplicated().any()
        assert whole["user_id"].unique().to_list() == [f"p{row}"]


def test_an_empty_list_has_empty_pages() -> None:
    answers = ranker(paging={}, rules=["EXCLUDE item"])
    [name] = answers.recommend(users=["p0"]).recommendation_ids
    assert answers.page(name, 1).is_empty()
    assert answers.page(name, 7).is_empty()


def test_lists_expire_and_the_oldest_make_room() -> None:
    now = [0.0]
    pager = Pager(InProcessStore(2, clock=lambda: now[0]), seconds=10)
    table = pl.DataFrame({"rank": [1, 2, 3]})
    for name in ("a", "b", "c"):
        pager.keep(name, table)
        now[0] += 1
    with pytest.raises(InputError, match="'a'"):
        pager.page("a", 1, 2)
    assert pager.page("b", 2, 2)["rank"].to_list() == [3]
    now[0] = 11.5
    with pytest.raises(InputError, match="time is over"):
        pager.page("b", 1, 2)
    assert len(pager.page("c", 1, 2)) == 2


@pytest.mark.parametrize(("number", "size"), [(0, 3), (-1, 3), (1, 0)])
def test_pages_that_can_t_be(number: int, size: int) -> None:
    answers = ranker(paging={})
    [name] = answers.recommend(users=["p0"]).recommendation_ids
    with pytest.raises(InputError):
        answers.page(name, number, size)


def test_without_paging_nothing_is_kept() -> None:
    answers = ranker()
    [name] = answers.recommend(users=["p0"]).recommendation_ids
    with pytest.raises(InputError, match="not kept"):
        answers.page(name, 1)


def test_a_store_of_one_s_own_serves_several_processes() -> None:
    store = InProcessStore(5)
    settings = {"paging": {"depth": 9}}
    one, other = (Ranker(ranker(**settings).pipeline, store=store) for _ in range(2))
    found = one.recommend(users=["p0"], k=3)
    assert other.page(found.recommendation_ids[0], 1, 3).equals(found.table)
