from __future__ import annotations

import numpy as np

from foretaste.models import EASE, ItemKNN, Popularity, StackingHybrid, WeightedHybrid
from tests.contracts.worlds import dataset, two_tastes

SMALL = {"trees": 10, "leaves": 3, "least_in_leaf": 5}


def test_trees_are_saved_as_text_and_answer_alike() -> None:
    model = StackingHybrid(recommenders=[ItemKNN(), EASE()], **SMALL).fit(two_tastes())
    state = model.state()
    assert state.tensors["stacking.trees"].tobytes().startswith(b"tree")
    again = StackingHybrid.from_state(state)
    assert again.importance.equals(model.importance)
    assert model.importance["gain"].sum() > 0


def test_words_are_read_where_there_are_any() -> None:
    members = [ItemKNN(), Popularity()]
    with_words = StackingHybrid(recommenders=members, **SMALL).fit(two_tastes())
    assert "tfidf to the whole history" in with_words.importance["feature"]
    plain = dataset((p, [p % 5, (p + 1) % 5, (p + 2) % 5, 9]) for p in range(20))
    without = StackingHybrid(recommenders=members, **SMALL).fit(plain)
    assert "tfidf to the whole history" not in without.importance["feature"]


def test_too_few_people_to_learn_from_count_members_alike() -> None:
    model = StackingHybrid(recommenders=[ItemKNN(), Popularity()])
    model.fit(dataset([("p", ["a", "b"]), ("q", ["b", "c"])]))
    assert model.importance.is_empty()
    assert np.isfinite(model.score([["a"]], ["a", "b", "c"])).all()


def test_what_no_member_puts_forward_comes_after() -> None:
    world = two_tastes()
    model = StackingHybrid(recommenders=[ItemKNN(), EASE()], depth=2, **SMALL).fit(world)
    scores = model.score_all(world.histories())[:, 1:]
    assert np.isfinite(scores).all()
    best = model.rank(world.histories(), 1, exclude_seen=False).items[:, 0]
    members = [m.rank(world.histories(), 2, exclude_seen=False).items for m in model.recommenders]
    unseen = [m.rank(world.histories(), 2).items for m in model.recommenders]
    put_forward = np.concatenate([*members, *unseen], axis=1)
    assert (put_forward == best[:, None]).any(axis=1).all()


def test_trees_start_from_the_weighted_sum() -> None:
    world = two_tastes()
    members = [ItemKNN(), EASE(), Popularity()]
    split = world.split("leave-one-out")
    stacked = StackingHybrid(recommenders=members, trees=1, learning_rate=1e-9)
    stacked.fit(split.train, split.validation)
    weighted = WeightedHybrid(recommenders=members).fit(split.train, split.validation)
    sums, found = (m.rank(split.test.histories, 3).items for m in (weighted, stacked))
    np.testing.assert_array_equal(found, sums)
