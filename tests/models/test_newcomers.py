from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data import Dataset, Ragged
from foretaste.errors import DataError, InputError
from foretaste.models import ItemKNN, Newcomers, Popularity
from foretaste.models.newcomers import Attribute
from tests.contracts.worlds import COLD, PEOPLE, two_tastes

WORLD = two_tastes()
#: Odd people like the garden; their age says so, too, and their town says nothing.
USERS = pl.DataFrame(
    {
        "user_id": [f"p{n}" for n in range(PEOPLE)],
        "trade": ["gardener" if n % 2 else "clerk" for n in range(PEOPLE)],
        "age": [n + (100 if n % 2 else 0) for n in range(PEOPLE)],
    }
)


class GardenEncoder:
    """Knows two words."""

    dimension = 2
    fingerprint = "garden"

    def encode(self, items: pl.DataFrame) -> np.ndarray:
        words = [items["title"].fill_null("").str.contains(w) for w in ("garden", "desk")]
        return np.stack([word.cast(pl.Float32).to_numpy() for word in words], axis=1)


@pytest.fixture(scope="module")
def newcomers() -> Newcomers:
    return Newcomers(
        ItemKNN().fit(WORLD),
        users=USERS,
        attributes=["trade", "age"],
        items=WORLD.items,
        encoder=GardenEncoder(),
    )


def first(newcomers: Newcomers, k: int = 5, **person: object) -> pl.DataFrame:
    return newcomers.recommend(pl.DataFrame([person], strict=False), k)


@pytest.mark.parametrize(
    ("person", "taste", "source"),
    [
        ({"trade": "gardener"}, "garden", "group"),
        ({"trade": "clerk"}, "desk", "group"),
        ({"age": 117}, "garden", "group"),
        ({"age": 4, "trade": None}, "desk", "group"),
        ({"interests": "a garden"}, "garden", "interests"),
        ({"interests": "my desk", "trade": "gardener"}, "desk", "interests"),
        ({"history": ["garden-1", "garden-2"], "trade": "clerk"}, "garden", "itemknn"),
    ],
)
def test_the_most_telling_thing_answers(
    newcomers: Newcomers, person: dict[str, object], taste: str, source: str
) -> None:
    table = first(newcomers, **person)
    assert all(item.startswith(taste) for item in table["item_id"])
    assert set(table["source"]) == {source}
    assert table["rank"].to_list() == [1, 2, 3, 4, 5]


def test_a_new_item_is_lifted_by_interests(newcomers: Newcomers) -> None:
    places = [
        first(newcomers, k=30, **person)["item_id"].to_list().index(COLD)
        for person in ({"interests": "garden"}, {"trade": None}, {"interests": "desk"})
    ]
    assert places[0] < places[1] == places[2] == len(WORLD.item_vocabulary) - 1


def test_of_whom_nothing_is_known_gets_what_is_popular(newcomers: Newcomers) -> None:
    popular = Popularity().fit(WORLD).recommend(histories=[[]], k=4)["item_id"]
    for person in ({"trade": None}, {"trade": "baker"}, {"interests": "  "}, {"history": ["no"]}):
        table = first(newcomers, k=4, **person)
        assert table["item_id"].equals(popular)
    assert set(first(newcomers, interests="  ")["source"]) == {"popularity"}


def test_what_was_clicked_is_not_recommended(newcomers: Newcomers) -> None:
    table = first(newcomers, k=100, history=["garden-1", "desk-4"])
    assert set(table["item_id"]) == set(WORLD.item_vocabulary.ids) - {"garden-1", "desk-4"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=9))
def test_groups_are_likelihood_ratios_against_everybody(values: list[str | None]) -> None:
    rng = np.random.default_rng(len(values))
    histories = Ragged.from_rows(rng.integers(1, 6, rng.integers(0, 9)) for _ in values)
    column = pl.Series("group", values, dtype=pl.String)
    attribute = Attribute.of(column, histories, 6)
    assert (attribute.ratios[0] == 0).all()
    assert np.isfinite(attribute.ratios).all()
    alone = Attribute.of(pl.Series(["one"] * len(values)), histories, 6)
    np.testing.assert_allclose(alone.ratios, 0, atol=1e-6)
    assert (
        attribute.among(pl.Series([None, "unheard of"], dtype=pl.String)).tolist() == [[0] * 6] * 2
    )


def test_what_is_missing_is_named() -> None:
    model = Popularity().fit(WORLD)
    with pytest.raises(DataError, match="no such column") as caught:
        Newcomers(model, users=USERS, attributes=["town"])
    assert caught.value.field == "town"
    with pytest.raises(InputError, match="read interests with"):
        first(Newcomers(model), interests="garden")
    with pytest.raises(InputError, match="at least 1"):
        first(Newcomers(model), k=0, trade="clerk")


def test_people_the_table_lacks_belong_to_no_group() -> None:
    few = Newcomers(Popularity().fit(WORLD), users=USERS.head(3), attributes=["trade"])
    assert isinstance(WORLD, Dataset)
    assert first(few, trade="gardener")["item_id"][0].startswith("garden")
