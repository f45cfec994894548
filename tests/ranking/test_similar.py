from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from foretaste.errors import ConfigError, InputError, UnknownIdError
from foretaste.ranking import Catalogue, PeopleAlike, SimilarItems, because_you_watched, similar
from tests.ranking.worlds import CATALOGUE, DATA, ITEMS, MODEL, PEOPLE

VECTORS = CATALOGUE.vectors
HISTORIES = DATA.histories()
ALL = np.arange(1, ITEMS + 1, dtype=np.int32)


def cosines() -> np.ndarray:
    found = np.maximum(VECTORS @ VECTORS.T, 0)
    np.fill_diagonal(found, 0)
    return found


def shared() -> np.ndarray:
    """Cosine of the sets of people, shrunk by 10 people each, by the definition."""
    members = np.zeros((PEOPLE, ITEMS + 1))
    members[HISTORIES.row_of_value, HISTORIES.values] = 1
    counts = members.sum(axis=0) + 10
    found = members.T @ members / np.sqrt(np.outer(counts, counts))
    np.fill_diagonal(found, 0)
    return found


def test_likeness_by_content_and_by_behaviour() -> None:
    for by, truth in (("content", cosines()), ("behaviour", shared())):
        found = SimilarItems(CATALOGUE, histories=HISTORIES, by=by).nearest(ALL, ITEMS)
        for row, anchor in enumerate(ALL):
            there = found.items[row] > 0
            expected = np.lexsort((np.arange(ITEMS + 1), -truth[anchor].round(6)))
            expected = expected[truth[anchor, expected] > 0]
            np.testing.assert_allclose(found.scores[row, there], truth[anchor, expected], atol=1e-6)
            assert set(found.items[row, there]) == set(expected)
            assert set(found.sources[row, there]) <= {by}


def test_a_blend_weighs_both_and_names_what_carries_it() -> None:
    weighed = SimilarItems(CATALOGUE, histories=HISTORIES, weight=0.3).nearest(ALL, ITEMS)
    sides = [m / np.maximum(m.max(axis=1, keepdims=True), 1e-12) for m in (cosines(), shared())]
    truth = 0.7 * sides[0] + 0.3 * sides[1]
    for row, anchor in enumerate(ALL):
        there = found = weighed.items[row][weighed.items[row] > 0]
        np.testing.assert_allclose(
            weighed.scores[row, : len(there)], truth[anchor, found], atol=1e-6
        )
        assert anchor not in found
        for place, item in enumerate(found):
            names = [
                name
                for name, side in zip(("content", "behaviour"), sides, strict=True)
                if side[anchor, item] > 0
            ]
            assert weighed.sources[row, place] == "+".join(names)


def test_filters_apply_during_the_search() -> None:
    allowed = np.zeros(ITEMS + 1, bool)
    allowed[1::3] = True
    found = SimilarItems(CATALOGUE, by="content").nearest(ALL, 3, allowed)
    assert allowed[found.items].all()
    assert (found.items > 0).all()


def test_table_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = SimilarItems(CATALOGUE, histories=HISTORIES)
    table = finder.table(["i03", "i20"], k=4)
    assert table.columns == ["anchor_id", "item_id", "rank", "score", "source"]
    assert table["rank"].to_list() == [1, 2, 3, 4] * 2
    monkeypatch.setattr(similar, "_BLOCK_BYTES", 1)
    assert_frame_equal(finder.table(["i03", "i20"], k=4), table)
    assert finder.table([], k=4).is_empty()


def test_what_can_t_be_found() -> None:
    finder = SimilarItems(CATALOGUE, by="content")
    with pytest.raises(ConfigError):
        finder.table(["unheard of"])
    with pytest.raises(InputError):
        finder.table(["i01"], k=0)
    with pytest.raises(InputError):
        SimilarItems(Catalogue.of(MODEL), by="content")
    with pytest.raises(InputError):
        SimilarItems(CATALOGUE, by="behaviour")
    with pytest.raises(InputError):
        SimilarItems(CATALOGUE, weight=1.5)


# Because you watched.


def test_shelves_are_named_after_the_latest_items_and_repeat_nothing() -> None:
    finder = SimilarItems(CATALOGUE, histories=HISTORIES)
    people = DATA.user_vocabulary.ids
    table = because_you_watched(finder, HISTORIES, people, shelves=3, k=2)
    assert set(table["user_id"]) == set(people)
    for (user,), part in table.partition_by("user_id", as_dict=True).items():
        history = MODEL.history_of(user)
        anchors = part.unique("shelf", maintain_order=True)["anchor_id"].to_list()
        assert anchors == history[:-4:-1]
        assert part["shelf"].to_list() == [1, 1, 2, 2, 3, 3]
        assert part["rank"].to_list() == [1, 2] * 3
        assert not part["item_id"].is_duplicated().any()
        assert not set(part["item_id"]) & set(history)
    # The first shelf is nothing but the nearest that are new.
    first = table.filter((pl.col("user_id") == "p0") & (pl.col("shelf") == 1))
    nearest = finder.table([MODEL.history_of("p0")[-1]], k=ITEMS)["item_id"].to_list()
    new = [item for item in nearest if item not in MODEL.history_of("p0")]
    assert first["item_id"].to_list() == new[:2]


def test_what_may_not_be_shown_names_no_shelf() -> None:
    finder = SimilarItems(CATALOGUE, by="content")
    allowed = np.ones(ITEMS + 1, bool)
    latest = HISTORIES[0][-1]
    allowed[latest] = False
    table = because_you_watched(finder, HISTORIES, DATA.user_vocabulary.ids, allowed=allowed)
    blocked = DATA.item_vocabulary.ids[int(latest) - 1]
    assert blocked not in table["anchor_id"]
    assert blocked not in table["item_id"]
    with pytest.raises(InputError):
        because_you_watched(finder, HISTORIES, DATA.user_vocabulary.ids, k=0)


def test_somebody_without_a_history_has_no_shelf() -> None:
    from foretaste.data import Ragged

    finder = SimilarItems(CATALOGUE, by="content")
    table = because_you_watched(finder, Ragged.from_rows([[], [3, 3]]), ["a", "b"], k=2)
    assert table["user_id"].to_list() == ["b", "b"]
    assert table["shelf"].to_list() == [1, 1]


# People alike.


def test_people_alike_share_items() -> None:
    finder = PeopleAlike(CATALOGUE, HISTORIES, DATA.user_vocabulary)
    members = np.zeros((PEOPLE, ITEMS + 1))
    members[HISTORIES.row_of_value, HISTORIES.values] = 1
    weights = np.log(PEOPLE / np.maximum(members.sum(axis=0), 1)) + 1
    rows = members * weights
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    table = finder.table(["p3", "p0"], k=PEOPLE)
    for (user,), part in table.partition_by("user_id", as_dict=True).items():
        others = [int(name[1:]) for name in part["alike_id"]]
        truth = rows[int(user[1:])] @ rows.T
        np.testing.assert_allclose(part["score"].to_numpy(), truth[others], atol=1e-6)
        assert int(user[1:]) not in others
        assert part["score"].is_sorted(descending=True)
        # p0's items are 0 to 5: nobody from p6 on shares one.
        assert len(others) == np.count_nonzero(truth > 0) - 1


def test_people_alike_by_content_and_blended() -> None:
    means = np.stack([VECTORS[HISTORIES[row]].sum(axis=0) for row in range(PEOPLE)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    table = PeopleAlike(CATALOGUE, HISTORIES, DATA.user_vocabulary, by="content").table(["p2"])
    others = [int(name[1:]) for name in table["alike_id"]]
    np.testing.assert_allclose(table["score"].to_numpy(), means[2] @ means[others].T, atol=1e-5)
    sides = {
        by: dict(
            PeopleAlike(CATALOGUE, HISTORIES, DATA.user_vocabulary, by=by)
            .table(["p2"])
            .select("alike_id", "score")
            .iter_rows()
        )
        for by in ("content", "behaviour", "blend")
    }
    for name, score in sides["blend"].items():
        half = sides["content"].get(name, 0) + sides["behaviour"].get(name, 0)
        assert score == pytest.approx(half / 2, abs=1e-6)


def test_people_who_can_t_be_found() -> None:
    finder = PeopleAlike(CATALOGUE, HISTORIES, DATA.user_vocabulary)
    with pytest.raises(UnknownIdError):
        finder.table(["nobody"])
    with pytest.raises(InputError):
        finder.table(["p0"], k=0)
    with pytest.raises(InputError):
        PeopleAlike(Catalogue.of(MODEL), HISTORIES, DATA.user_vocabulary, by="blend")
    assert finder.table([]).is_empty()
