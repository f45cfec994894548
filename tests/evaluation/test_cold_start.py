from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foretaste.data import Ragged, Targets
from foretaste.errors import DataError
from foretaste.evaluation import by_first_actions, by_history_length, evaluate
from foretaste.models import ItemKNN, Popularity
from tests.evaluation.small import TableModel, shop


def test_the_whole_history_gives_what_the_evaluation_says() -> None:
    split = shop().split("leave-one-out")
    model = ItemKNN().fit(split.train)
    length = int(np.median(split.test.histories.lengths))
    alike = split.test.take(np.flatnonzero(split.test.histories.lengths == length))
    [point] = by_history_length(
        lambda people: model.score_all(people.histories), alike, lengths=(length,)
    ).to_dicts()
    report = evaluate(model, replace(split, test=alike))
    assert point["history"] == length
    assert point["users"] == report.groups["all"].users > 0
    assert point["ndcg"] == pytest.approx(report.metric("NDCG@10").value)
    assert point["low"] <= point["ndcg"] <= point["high"]


def test_only_the_last_actions_are_shown_and_the_question_stays() -> None:
    split = shop().split("leave-one-out")
    model = TableModel().fit(split.train)
    shown: list[Targets] = []

    def scores(people: Targets) -> np.ndarray:
        shown.append(people)
        return model.score_all(people.histories)

    table = by_history_length(scores, split.test, lengths=(0, 1, 3), k=4)
    assert [set(targets.histories.lengths.tolist()) for targets in shown] == [{0}, {1}, {3}]
    for targets in shown:
        np.testing.assert_array_equal(targets.items.values, shown[0].items.values)
    for row, user in enumerate(shown[2].users):
        [where] = np.flatnonzero(split.test.users == user)
        whole = split.test.histories[where]
        np.testing.assert_array_equal(shown[2].histories[row], whole[-3:])
        np.testing.assert_array_equal(shown[1].histories[row], whole[-1:])
    # The model goes by the last item alone, so that the two before it tell nothing.
    assert table["ndcg"][1] == table["ndcg"][2]
    assert table["ndcg"][0] != table["ndcg"][1]


def test_among_some_items_only() -> None:
    targets = Targets(np.array([1]), Ragged.from_rows([[1, 2]]), Ragged.from_rows([[4]]))
    scores = np.array([[9, 9, 9, 8, 7, 6]], np.float32)
    for candidates, expected in ((None, 1 / np.log2(3)), (np.array([4, 5], np.int32), 1.0)):
        [point] = by_history_length(
            lambda _: scores.copy(), targets, lengths=(1,), candidates=candidates
        ).to_dicts()
        assert point["ndcg"] == pytest.approx(expected)


def test_nobody_is_known_so_long() -> None:
    model = Popularity().fit(shop())
    targets = Targets(np.array([1]), Ragged.from_rows([[1, 2]]), Ragged.from_rows([[3]]))
    with pytest.raises(DataError, match="history of 9"):
        by_history_length(lambda people: model.score_all(people.histories), targets, lengths=(0, 9))


def test_after_first_actions_the_next_new_item_is_asked_for() -> None:
    histories = Ragged.from_rows([[1, 2, 1, 3, 4], [5, 5, 5], [2, 4, 1]])
    people = Targets(np.array([7, 8, 9]), histories, Ragged.from_rows([[6], [6], [6]]))
    shown: list[Targets] = []

    def scores(asked: Targets) -> np.ndarray:
        shown.append(asked)
        # Item 1 first, then 2, and so on; what was shown leaves the list.
        return np.tile(-np.arange(7, dtype=np.float32), (len(asked), 1))

    table = by_first_actions(scores, people, lengths=(0, 1, 2))
    assert table["history"].to_list() == [0, 1, 2]
    # Who acted on one item only is not asked.
    assert table["users"].to_list() == [2, 2, 2]
    assert [targets.users.tolist() for targets in shown] == [[7, 9]] * 3
    assert [targets.histories.values.tolist() for targets in shown] == [[], [1, 2], [1, 2, 2, 4]]
    assert [targets.items.values.tolist() for targets in shown] == [[1, 2], [2, 4], [3, 1]]
    places = [(1, 2), (1, 3), (1, 1)]
    expected = [np.mean([1 / np.log2(place + 1) for place in both]) for both in places]
    np.testing.assert_allclose(table["ndcg"], expected)


def test_nobody_has_acted_so_often() -> None:
    people = Targets(np.array([1]), Ragged.from_rows([[1, 2]]), Ragged.from_rows([[3]]))
    with pytest.raises(DataError, match="history of 3"):
        by_first_actions(lambda asked: np.zeros((len(asked), 4)), people, lengths=(2,))
