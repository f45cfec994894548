from __future__ import annotations

import json

import polars as pl
import pytest

from foretaste.data import Dataset
from foretaste.errors import InputError, UnknownIdError
from foretaste.models import Popularity
from foretaste.pipeline import look_at_history, look_at_users
from foretaste.pipeline.people import RECENT


@pytest.fixture
def data() -> Dataset:
    users = [1] * 7 + [2, 2, 2]
    items = [10, 11, 12, 13, 14, 15, 16, 10, 11, 17]
    events = pl.DataFrame({"user_id": users, "item_id": items, "timestamp": range(10)})
    titles = [f"Title [b]{i}" for i in range(10, 19)]
    return Dataset.from_tables(events, pl.DataFrame({"item_id": range(10, 19), "title": titles}))


def test_a_person_comes_with_their_latest_actions_and_titles(data: Dataset) -> None:
    [one, two] = look_at_users(Popularity().fit(data), data.items, [1, 2], k=3)
    assert (one.name, one.events) == (1, 7)
    assert one.recent["item_id"].to_list() == [16, 15, 14, 13, 12][:RECENT]
    assert one.recent["title"][0] == "Title [b]16"
    assert one.recommendations["item_id"].to_list() == [17, 18]
    assert two.recommendations["title"].to_list() == ["Title [b]12", "Title [b]13", "Title [b]14"]
    assert two.recommendations["rank"].to_list() == [1, 2, 3]


def test_ids_typed_as_text_are_found(data: Dataset) -> None:
    model = Popularity().fit(data)
    typed, known = (look_at_users(model, data.items, [user], k=3)[0] for user in ("2", 2))
    assert typed.recommendations.equals(known.recommendations)
    new = look_at_history(model, data.items, ["10", "11", "17"], k=3)
    assert new.name is None
    assert new.events == 3
    assert new.recommendations.equals(known.recommendations)


def test_a_catalogue_without_titles_will_do(data: Dataset) -> None:
    person = look_at_history(Popularity().fit(data), data.items.drop("title"), [10], k=2)
    assert person.recommendations["title"].to_list() == [None, None]


def test_nobody_known_gets_popular_items(data: Dataset) -> None:
    person = look_at_history(Popularity().fit(data), data.items, [], k=2)
    assert person.events == 0
    assert person.recent.is_empty()
    assert person.recommendations["source"].to_list() == ["popularity"] * 2


def test_plain_data_is_ready_for_json(data: Dataset) -> None:
    [person] = look_at_users(Popularity().fit(data), data.items, [1], k=3)
    assert json.loads(json.dumps(person.to_dict()))["recommendations"][0]["item_id"] == 17


@pytest.mark.parametrize("k", [0, 10])
def test_k_must_fit_the_catalogue(data: Dataset, k: int) -> None:
    with pytest.raises(InputError) as caught:
        look_at_users(Popularity().fit(data), data.items, [1], k=k)
    assert caught.value.field == "k"


def test_an_unknown_user_is_an_error(data: Dataset) -> None:
    with pytest.raises(UnknownIdError):
        look_at_users(Popularity().fit(data), data.items, [3], k=1)
