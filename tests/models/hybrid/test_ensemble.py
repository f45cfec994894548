from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.errors import ConfigError, InputError
from foretaste.models import ALS, ContentBased, ItemKNN, LightGCN, WeightedHybrid
from tests.content.words import WordCounts
from tests.contracts.worlds import two_tastes

MEMBERS = [{"name": "itemknn", "shrinkage": 3.0}, {"name": "als", "factors": 4}]


def test_members_are_built_from_settings() -> None:
    model = WeightedHybrid(members=MEMBERS)
    first, second = model.recommenders
    assert isinstance(first, ItemKNN)
    assert first.config.shrinkage == 3
    assert isinstance(second, ALS)
    assert second.config.factors == 4


def test_sections_reach_the_members_that_have_them() -> None:
    members = [{"name": "itemknn"}, {"name": "lightgcn"}, {"name": "content"}]
    model = WeightedHybrid(members=members, training={"epochs": 7}, content={"fields": ["name"]})
    plain = [member.config.model_dump() for member in model.recommenders]
    own = LightGCN().config.model_dump()["training"]
    assert plain[1]["training"] == own | {"epochs": 7}
    assert plain[2]["content"]["fields"] == ("name",)


def test_the_seed_reaches_the_members_that_have_none_of_their_own() -> None:
    members = [{"name": "itemknn"}, {"name": "als"}, {"name": "als", "seed": 3}]
    _, first, second = WeightedHybrid(members=members, seed=7).recommenders
    assert (first.config.model_dump()["seed"], second.config.model_dump()["seed"]) == (7, 3)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ([{"name": "itemknm"}], "members.0.name"),
        ([{"name": "als"}, {"name": "als", "factor": 2}], "members.1.factor"),
        ([], "members"),
    ],
)
def test_wrong_members_are_named(members: list[dict[str, object]], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WeightedHybrid(members=members)
    assert caught.value.field == field


def test_only_what_is_the_members_own_is_saved_with_them() -> None:
    tensors = WeightedHybrid(members=MEMBERS).fit(two_tastes()).state().tensors
    assert sum("history_values" in name for name in tensors) == 1
    assert "0.neighbours.values" in tensors
    assert "1.als.item_factors" in tensors


def test_items_that_one_member_can_not_read_change_nothing() -> None:
    world = two_tastes()
    members = [ItemKNN(), ContentBased(content=WordCounts())]
    model = WeightedHybrid(recommenders=members).fit(world)
    items = world.item_vocabulary.ids.to_list()
    before = model.score([["desk-1"]], items)
    encoder = model.recommenders[1].content.encoder
    encoder.fingerprint = "another"
    new = pl.DataFrame({"item_id": ["new"], "title": ["desk"]})
    with pytest.raises(InputError, match="not the one"):
        model.add_items(new)
    np.testing.assert_array_equal(model.score([["desk-1"]], items), before)
    encoder.fingerprint = "words-1"
    model.add_items(new)
    assert model.score([["desk-1"]], ["new"]).shape == (1, 1)


def test_fitted_members_are_put_together_as_if_they_had_been_fitted_inside() -> None:
    split = two_tastes().split("leave-one-out")
    whole = WeightedHybrid(members=MEMBERS).fit(split.train, split.validation)
    members = [
        member.fit(split.train, split.validation)
        for member in WeightedHybrid(members=MEMBERS).recommenders
    ]
    before = members[1].state().tensors["als.item_factors"]
    combined = WeightedHybrid(recommenders=members).combine(split.train, split.validation)
    assert combined.weights == whole.weights
    assert members[1].state().tensors["als.item_factors"] is before
    histories = split.validation.histories
    np.testing.assert_array_equal(combined.score_all(histories), whole.score_all(histories))


def test_members_fitted_on_other_items_are_refused() -> None:
    split = two_tastes().split("leave-one-out")
    other = ItemKNN().fit(split.train).add_items(pl.DataFrame({"item_id": ["new"]}))
    with pytest.raises(InputError, match="other items"):
        WeightedHybrid(recommenders=[other]).combine(split.train, split.validation)


def test_without_validation_members_keep_what_held_out_actions_chose_and_learn_from_them() -> None:
    world = two_tastes()
    whole = WeightedHybrid(members=[{"name": "itemknn"}, {"name": "lightgcn"}]).fit(world)
    counted, trained = whole.recommenders
    assert isinstance(counted, ItemKNN)
    split = world.split("leave-one-out")
    alone = ItemKNN().fit(split.train, split.validation)
    assert counted.half_life == alone.half_life != ItemKNN.usual_half_life
    for member in (counted, trained):  # The second can't learn on and is fitted again.
        assert member.item_counts.tolist() == whole.item_counts.tolist()
        assert not len(member.known.news)
