from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Dataset, Ragged
from foretaste.errors import UnknownIdError
from foretaste.models import (
    ALS,
    ContentBased,
    ItemKNN,
    Popularity,
    Recommender,
    SequenceRecommender,
)
from foretaste.ranking.explanation import (
    Additive,
    Case,
    exact,
    explain_score,
    explainer_for,
    integrated_gradients,
    leave_one_out,
)
from foretaste.training import TrainingConfig
from tests.content.words import WordCounts
from tests.contracts.worlds import dataset, two_tastes

WORLD = two_tastes()


ADDITIVE: dict[str, Recommender] = {
    "itemknn": ItemKNN(shrinkage=1.0).fit(WORLD),
    "content": ContentBased(content=WordCounts()).fit(WORLD),
    "als": ALS(factors=4, iterations=3).fit(WORLD),
}
CASE = Case.of(ADDITIVE["itemknn"], ["garden-1", "garden-2", "desk-3", "garden-1"], "garden-4")


@pytest.mark.parametrize("name", ADDITIVE)
@given(data=st.data())
def test_exact_contributions_add_up_to_the_score(name: str, data: st.DataObject) -> None:
    model = ADDITIVE[name]
    items = st.sampled_from(model.item_vocabulary.ids.to_list()[:-1])
    history = data.draw(st.lists(items, min_size=1, max_size=8))
    case = Case.of(model, history, data.draw(items))
    added = exact(case)
    assert added.shape == case.parts.shape
    if len(case.history) and (added.sum() > 0 or name != "itemknn"):
        assert added.sum() == pytest.approx(case.score, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", ADDITIVE)
def test_contributions_of_many_histories_at_once(name: str) -> None:
    model = ADDITIVE[name]
    assert isinstance(model, Additive)
    histories = Ragged.from_rows([[1, 2, 2], [5], [7, 3]])
    items = np.array([4, 6, 8], np.int32)
    together = model.contributions(histories, items)
    alone = [
        model.contributions(Ragged.from_rows([histories[row]]), items[row : row + 1])
        for row in range(3)
    ]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-5)


def test_leave_one_out_is_the_fall_of_the_score() -> None:
    model, history = CASE.model, ["garden-1", "garden-2", "desk-3", "garden-1"]
    full = model.score([history], ["garden-4"])[0, 0]
    for part, added in zip(CASE.parts, leave_one_out(CASE), strict=True):
        left = model.item_vocabulary.decode(np.array([part]))[0]
        without = [item for item in history if item != left]
        assert added == pytest.approx(full - model.score([without], ["garden-4"])[0, 0], abs=1e-6)


def test_sums_are_exact_where_they_can_be_else_things_are_left_out() -> None:
    np.testing.assert_array_equal(explain_score(CASE), exact(CASE))
    case = Case(Popularity().fit(WORLD), CASE.history, CASE.item)
    np.testing.assert_array_equal(explain_score(case), np.zeros(3))
    assert (explainer_for(CASE), explainer_for(case)) == (exact, leave_one_out)
    with pytest.raises(TypeError, match="no sum"):
        exact(case)


def test_a_sum_whose_strongest_part_is_replaced_by_the_next_is_tested_by_leaving_out() -> None:
    """The latest action weighs most; without it the one before is the latest, and as alike."""
    model = ContentBased(content=WordCounts(), half_life=0.5).fit(WORLD)
    twice = Case.of(model, ["garden-1", "garden-2"], "garden-4")
    assert leave_one_out(twice).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert explainer_for(twice) is leave_one_out


def test_a_history_of_one_item_owes_it_everything() -> None:
    case = Case.of(CASE.model, ["garden-1"], "garden-4")
    assert leave_one_out(case).tolist() == [case.score]


def test_items_unknown_and_the_item_itself_are_passed_over() -> None:
    case = Case.of(CASE.model, ["garden-4", "nothing"], "garden-4")
    assert not case.says_something
    assert case.score == 0
    assert explain_score(case).tolist() == []
    # An item nobody touched tells a model of behaviour nothing.
    assert not Case.of(CASE.model, ["garden-cold"], "garden-4").says_something
    with pytest.raises(UnknownIdError, match="nothing"):
        Case.of(CASE.model, ["garden-4"], "nothing")


def world_of_pairs() -> Dataset:
    """Whoever acts on a-n acts on b-n next."""
    return dataset((f"p{n}", [f"a-{n % 4}", f"b-{n % 4}"]) for n in range(80))


@pytest.fixture(scope="module")
def sequence() -> SequenceRecommender:
    settings: dict[str, Any] = {"dimension": 16, "layers": 1, "dropout": 0.0}
    training = TrainingConfig(
        epochs=10, batch_tokens=64, warmup_steps=5, learning_rate=0.01, average=0.9
    )
    return SequenceRecommender(**settings, training=training).fit(world_of_pairs())


def test_integrated_gradients_add_up_and_agree_with_leaving_out(
    sequence: SequenceRecommender,
) -> None:
    case = Case.of(sequence, ["a-0", "a-1", "a-0", "a-2"], "b-2")
    added = integrated_gradients(case)
    every = np.arange(1, sequence.item_vocabulary.size, dtype=np.int32)
    vectors = sequence.input_vectors(case.history)[None]
    average = sequence.input_vectors(every).mean(dim=0).expand_as(vectors)
    full, none = (sequence.score_vectors(v, case.item).item() for v in (vectors, average))
    assert full == pytest.approx(case.score, rel=1e-3)
    assert added.sum() == pytest.approx(full - none, rel=0.02, abs=0.02)
    assert case.parts[added.argmax()] == sequence.item_vocabulary.encode(["a-2"])[0]
    assert leave_one_out(case).argmax() == added.argmax()
    with pytest.raises(TypeError, match="no gradients"):
        integrated_gradients(CASE)
