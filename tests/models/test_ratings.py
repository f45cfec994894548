from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.data import Dataset, read
from foretaste.errors import DataError, InputError
from foretaste.models import SVDPlusPlus
from tests.conftest import shared_data
from tests.contracts.worlds import dataset

TRAINING = {"epochs": 60, "learning_rate": 0.03, "warmup_steps": 0, "batch_tokens": 64}


def rated(people: int = 30, items: int = 12, seed: int = 0) -> Dataset:
    """Ratings that are a mean, a bias of the person and one of the item; a third is missing."""
    rng = np.random.default_rng(seed)
    of_people, of_items = rng.normal(0, 0.5, people), rng.normal(0, 0.8, items)
    users, acted_on = np.nonzero(rng.random((people, items)) < 0.67)
    events = pl.DataFrame(
        {
            "user_id": users,
            "item_id": acted_on,
            "timestamp": range(len(users)),
            "event_value": 3 + of_people[users] + of_items[acted_on],
        }
    )
    return Dataset.from_tables(events, clock="order")


def test_held_out_ratings_are_foreseen() -> None:
    data = rated()
    held = np.random.default_rng(1).random(len(data)) < 0.2
    model = SVDPlusPlus(factors=2, regularisation=0.01, training=TRAINING)
    model.fit(data.take_events(~held))
    values = data.events["event_value"].to_numpy()
    found = model.errors(data.take_events(held))
    assert found.rmse < 0.35 * values.std()
    assert found.mae <= found.rmse
    assert found.ratings == held.sum()


def test_the_formula() -> None:
    """Koren (2008), equation 15, from the weights."""
    data = rated()
    model = SVDPlusPlus(factors=3, training=TRAINING | {"epochs": 3}).fit(data)
    weights = {n.removeprefix("network."): t for n, t in model.state().tensors.items()}
    user, item = 4, 7
    u, i = model.user_vocabulary.encode([user])[0], model.item_vocabulary.encode([item])[0]
    history = model.item_vocabulary.encode(model.history_of(user))
    person = weights["user_vectors"][u] + weights["implicit_vectors"][history].sum(0) / np.sqrt(
        len(history)
    )
    expected = (
        weights["mean"]
        + weights["user_biases"][u, 0]
        + weights["item_biases"][i, 0]
        + person @ weights["item_vectors"][i]
    )
    assert model.predict([user], [item])[0] == pytest.approx(float(expected), rel=1e-5)


def test_who_and_what_is_unknown_is_rated_by_what_is_left() -> None:
    data = rated()
    model = SVDPlusPlus(training=TRAINING).fit(data)
    [nothing, somebody, something] = model.predict([999, 1, 999], [999, 999, 3])
    assert nothing == pytest.approx(data.events["event_value"].mean(), abs=1e-5)
    assert somebody != nothing
    assert something != nothing


def test_predictions_stay_within_the_ratings_seen() -> None:
    data = rated()
    model = SVDPlusPlus(training=TRAINING).fit(data)
    found = model.predict(data.events["user_id"], data.events["item_id"])
    values = data.events["event_value"]
    assert found.min() >= np.float32(values.min())
    assert found.max() <= np.float32(values.max())


def test_users_keep_their_vectors_when_more_are_remembered() -> None:
    data = rated()
    model = SVDPlusPlus(training=TRAINING).fit(data)
    before = model.predict([3, 20], [5, 6])
    more = pl.concat([data.events, data.events.with_columns(pl.col("user_id") - 100)])
    model.remember(Dataset.from_tables(more, data.items, clock="order"))
    np.testing.assert_allclose(model.predict([3, 20], [5, 6]), before, rtol=1e-5)
    again = SVDPlusPlus.from_state(model.state())
    np.testing.assert_array_equal(again.predict([3], [5]), model.predict([3], [5]))


def test_ratings_are_needed() -> None:
    bare = dataset([("p", [1, 2])])
    bare = Dataset.from_tables(bare.events.drop("event_value"), clock="order")
    with pytest.raises(DataError, match="no ratings") as caught:
        SVDPlusPlus().fit(bare)
    assert caught.value.field == "event_value"
    with pytest.raises(InputError, match="do not fit"):
        SVDPlusPlus(training=TRAINING).fit(rated()).predict([1, 2], [3])


def test_events_without_a_rating_are_actions() -> None:
    data = rated()
    some = data.events.with_columns(
        pl.when(pl.col("item_id") == 3).then(None).otherwise("event_value").alias("event_value")
    )
    model = SVDPlusPlus(training=TRAINING | {"epochs": 2})
    model.fit(Dataset.from_tables(some, clock="order"))
    assert np.isfinite(model.predict([1], [3])).all()


@pytest.mark.slow
def test_rmse_on_movielens() -> None:
    """Published figures of SVD++ on random parts of ML-100k are 0.91 to 0.93."""
    data = read(shared_data("ml-100k"), layout="recbole")
    train = np.random.default_rng(1).random(len(data)) < 0.8
    model = SVDPlusPlus().fit(data.take_events(train))
    assert model.errors(data.take_events(~train)).rmse < 0.93
