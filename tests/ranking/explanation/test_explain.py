from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.errors import DataError, InputError
from foretaste.models import ContentBased, ItemKNN, Recommender
from foretaste.ranking.explanation import (
    Case,
    Explanation,
    category_drivers,
    explain,
    field_drivers,
    judge_explanations,
    leave_one_out,
    likeness_parts,
)
from foretaste.ranking.explanation.naming import named_evidence, strongest
from tests.content.words import WordCounts
from tests.contracts.worlds import two_tastes

WORLD = two_tastes()
BEHAVIOUR = ItemKNN(shrinkage=1.0).fit(WORLD)
CONTENT = ContentBased(content=WordCounts(), half_life=None).fit(WORLD)
ITEMS = WORLD.items


def row(item: str) -> pl.DataFrame:
    return ITEMS.filter(pl.col("item_id") == item)


def test_the_reason_names_what_carried_the_score() -> None:
    found = explain(BEHAVIOUR, ITEMS, ["desk-1", "garden-1"], "garden-4")
    assert found.method == "exact"
    assert [(piece.item_id, piece.named) for piece in found.evidence] == [
        ("garden-1", True),
        ("desk-1", False),
    ]
    assert found.reason == "Because you chose “A thing for the garden, number 1”."
    without = BEHAVIOUR.score([["desk-1"]], ["garden-4"])[0, 0]
    assert found.drop == pytest.approx(found.score - without, abs=1e-6)
    json.dumps(found.to_dict(), allow_nan=False)


def test_words_are_named_for_a_model_that_reads_them() -> None:
    found = explain(CONTENT, ITEMS, ["desk-1", "garden-1"], "garden-4", encoder=WordCounts())
    assert found.words == ("garden",)
    assert found.likeness is not None
    assert found.likeness.fields == {"title": pytest.approx(1)}
    assert found.reason.endswith(
        "What it says of “garden” makes it read like “A thing for the garden, number 1”."
    )
    assert explain(CONTENT, ITEMS, ["garden-1"], "garden-4").words == ()


def test_nobody_known_is_answered_by_popularity_and_told_so() -> None:
    found = explain(BEHAVIOUR, ITEMS, [], "garden-4")
    assert (found.method, found.evidence, found.score) == ("popularity", (), 0)
    times = WORLD.item_counts[BEHAVIOUR.item_vocabulary.encode(["garden-4"])[0]]
    assert f"others chose it {times} times" in found.reason
    assert "nobody has chosen it" in explain(BEHAVIOUR, ITEMS, [], "garden-cold").reason


def test_items_without_titles_are_called_by_their_ids() -> None:
    found = explain(BEHAVIOUR, ITEMS.select("item_id"), ["garden-1"], "garden-4")
    assert found.reason == "Because you chose “garden-1”."
    with pytest.raises(InputError, match="item_id"):
        explain(BEHAVIOUR, ITEMS.select("title"), ["garden-1"], "garden-4")


IDS = st.sampled_from(ITEMS["item_id"].to_list())


@pytest.mark.parametrize("model", [BEHAVIOUR, CONTENT], ids=lambda model: model.name)
@given(history=st.lists(IDS, max_size=9), item=IDS)
def test_a_sentence_names_nothing_that_the_numbers_do_not_carry(
    model: Recommender, history: list[str], item: str
) -> None:
    found: Explanation = explain(model, ITEMS, history, item, encoder=WordCounts())
    named = [piece for piece in found.evidence if piece.named]
    for piece in found.evidence:
        assert (f"“{piece.title}”" in found.reason) == piece.named
    assert all(piece.contribution > 0 for piece in named)
    quoted = found.reason.count("“")
    assert quoted == len(named) + len(found.words) + bool(found.words)
    if found.likeness is not None:
        assert all(found.likeness.words[word] > 0 for word in found.words)
    if named:
        rest = [known for known in history if known not in {piece.item_id for piece in named}]
        case = Case.of(model, rest, item)
        assert case.score < found.score
        assert found.drop == pytest.approx(found.score - case.score, abs=1e-5)


@given(st.lists(st.floats(-1, 1), max_size=12))
def test_named_are_the_strongest_and_positive(values: list[float]) -> None:
    contributions = np.array(values)
    named = strongest(contributions)
    assert len(named) <= 3
    assert (contributions[named] > 0).all()
    assert bool(len(named)) == any(value > 0 for value in values)
    left = np.delete(contributions, named)
    assert not len(named) or left.max(initial=-1) <= contributions[named].min()


def test_evidence_that_fails_the_deletion_test_is_not_named() -> None:
    case = Case.of(BEHAVIOUR, ["desk-1", "garden-1"], "garden-4")
    backwards = -leave_one_out(case) + 1
    places, drop = named_evidence(case, backwards * np.array([1, 0]))
    assert (len(places), drop) == (0, 0)


def test_words_are_left_out_wherever_they_stand() -> None:
    item = pl.DataFrame(
        {"item_id": [1], "title": ["Garden lamp (GARDEN)"], "categories": [["Gardening", "garden"]]}
    )
    other = pl.DataFrame({"item_id": [2], "title": ["garden"], "categories": [["Desk"]]})
    parts = likeness_parts(WordCounts(), item, other)
    assert parts.likeness == pytest.approx(2 / 5**0.5)
    assert list(parts.words) == ["garden", "lamp", "Gardening"]
    assert parts.words["garden"] == pytest.approx(parts.likeness)
    assert parts.words["lamp"] == pytest.approx(parts.likeness - 1)
    assert parts.fields == {"title": pytest.approx(parts.likeness), "categories": 0}


def cases(model: Recommender) -> list[Case]:
    rng = np.random.default_rng(0)
    ids = ITEMS["item_id"].to_numpy()
    return [
        Case.of(model, rng.permutation(ids)[:8].tolist(), item)
        for item in rng.permutation(ids)
        if item != "garden-cold"
    ]


def test_true_evidence_beats_chance_and_false_evidence_does_not() -> None:
    some = cases(BEHAVIOUR)
    true = judge_explanations(some, leave_one_out)
    assert true.cases + true.passed_over == len(some)
    assert true.named_drop > 1.5 * true.random_drop
    assert true.deletion[0] == true.random_deletion[0] == pytest.approx(true.insertion[-1])
    assert true.deletion[-1] == true.insertion[0] == 0
    assert (true.deletion <= true.random_deletion + 1e-6).all()
    assert (true.insertion >= true.random_insertion - 1e-6).all()
    rng = np.random.default_rng(1)
    chance = judge_explanations(some, lambda case: rng.random(len(case.parts)))
    assert chance.ratio < true.ratio
    with pytest.raises(InputError, match="longer"):
        judge_explanations([Case.of(BEHAVIOUR, ["garden-1"], "garden-2")])


def test_the_field_that_tells_tastes_apart_drives_the_model() -> None:
    split = WORLD.split("leave-one-out")
    items = ITEMS.with_columns(brand=pl.lit("Acme"))
    before = CONTENT.item_vocabulary
    table = field_drivers(CONTENT, items, split.validation)
    assert table["field"].to_list() == ["title", "brand"]
    assert table["drop"][0] > 0.1
    assert table["drop"][1] == 0
    assert CONTENT.item_vocabulary is before
    with pytest.raises(InputError, match="reads no content"):
        field_drivers(BEHAVIOUR, items, split.validation)
    with pytest.raises(DataError, match="20 of the model's 21"):
        field_drivers(CONTENT, items[:-1], split.validation)


def test_the_categories_that_carry_scores() -> None:
    items = ITEMS.with_columns(categories=pl.col("item_id").str.split("-").list.head(1))
    gardeners = [case for case in cases(BEHAVIOUR) if case.item > 10]
    table = category_drivers(gardeners, items)
    assert table["category"][0] == "garden"
    assert table["lift"][0] > 1.5
    assert table["evidence"].sum() == table["history"].sum() == pytest.approx(1)
    with pytest.raises(DataError, match="categories"):
        category_drivers(gardeners, ITEMS)
