from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from foretaste.content import TextEncoder
from foretaste.data import Dataset
from foretaste.errors import ConfigError, DataError, InputError, NotFittedError
from foretaste.models.interest import InterestModel, Parts, QuestionConfig, labelled
from foretaste.models.interest.bodies import BODIES
from foretaste.models.interest.measures import auc, ece
from tests.models.interest import worlds


@pytest.fixture(scope="module")
def parts() -> Parts:
    return worlds.parts()


@pytest.fixture(scope="module")
def trees(parts: Parts) -> InterestModel:
    model = worlds.model("trees", refit=False).fit(parts.train, parts.validation)
    return model.remember(parts.known("streaming"))


def labels_of(dataset: Dataset) -> np.ndarray:
    return dataset.events["label"].to_numpy()


@pytest.mark.parametrize("body", [body for body in BODIES if body != "language"])
def test_every_body_finds_what_is_there_and_comes_back_the_same(parts: Parts, body: str) -> None:
    model = worlds.model(body, refit=False).fit(parts.train, parts.validation)
    model.remember(parts.known("streaming"))
    said = model.predict(parts.test.events)
    # The truth itself has 0.80 on these pairs.
    assert auc(labels_of(parts.test), said) > 0.66
    again = InterestModel.from_state(model.state())
    np.testing.assert_array_equal(again.predict(parts.test.events), said)


def test_equal_seeds_give_equal_models(parts: Parts) -> None:
    found = [
        worlds.model("din", refit=False, seed=seed, body={"training": worlds.QUICK | {"epochs": 1}})
        .fit(parts.train, parts.validation)
        .predict(parts.test.events)
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_probabilities_can_be_believed(parts: Parts, trees: InterestModel) -> None:
    said = trees.predict(parts.test.events)
    assert said.dtype == np.float32
    assert ((said >= 0) & (said <= 1)).all()
    assert ece(labels_of(parts.test), said) < 0.12


def test_what_comes_later_is_not_used(parts: Parts, trees: InterestModel) -> None:
    """Flipping the test's labels changes no answer given before they are known."""
    test = parts.test.events
    first = test.filter(pl.col("timestamp") <= test["timestamp"].min())
    before = trees.predict(first)
    flipped = parts.known("streaming")
    is_test = pl.col("timestamp") >= test["timestamp"].min()
    events = flipped.events.with_columns(
        pl.when(is_test).then(1 - pl.col("label")).otherwise("label").alias("label")
    )
    other = InterestModel.from_state(trees.state())
    other.remember(Dataset.from_tables(events, flipped.items, flipped.users))
    np.testing.assert_array_equal(other.predict(first), before)
    assert (other.predict(test) != trees.predict(test)).any()


def test_the_device_is_read_and_an_unseen_one_is_no_error(
    parts: Parts, trees: InterestModel
) -> None:
    test = parts.test.events.drop("label", "known_at")
    phone, desk, new = (
        trees.predict(test.with_columns(device=pl.lit(value))).mean()
        for value in ("phone", "desk", "watch")
    )
    assert phone > desk + 0.1
    assert desk - 0.1 < new < phone + 0.1


def test_the_answer_is_no_feature() -> None:
    """A column of any name that holds the label must not be read as context."""
    table, _ = worlds.pairs()
    data = Dataset.from_tables(table.rename({"label": "clicked"}), items=worlds.catalogue())
    question = QuestionConfig(column="clicked")
    fitted = worlds.model("lr", question=question).fit(labelled(data, question))
    told = json.dumps(fitted.state().settings["_features"])
    assert "device" in told
    assert "clicked" not in told


def test_a_context_that_is_not_there_is_named(parts: Parts) -> None:
    with pytest.raises(DataError, match="devise"):
        worlds.model("lr", features={"context": ["devise"]}).fit(parts.train)


def test_strangers_are_ordinary(trees: InterestModel) -> None:
    pairs = pl.DataFrame({"user_id": [0, 999], "item_id": [999, 0]})
    assert np.isfinite(trees.predict(pairs)).all()
    assert len(trees.predict(pairs.head(0))) == 0


def test_words_of_new_items_are_read(parts: Parts) -> None:
    """Items without a single label are told apart by their titles."""
    cold = {20, 21, 22, 23}
    seen = ~np.isin(parts.train.events["item_id"], list(cold))
    later = ~np.isin(parts.validation.events["item_id"], list(cold))
    model = InterestModel(
        content=TextEncoder(cache=None), features={"dimension": 4}, refit=False, body={"trees": 80}
    )
    model.fit(parts.train.take_events(seen), parts.validation.take_events(later))
    asked = parts.test.events.filter(pl.col("item_id").is_in(list(cold)))
    assert auc(asked["label"].to_numpy(), model.predict(asked)) > 0.6


def test_several_bodies_are_one_model(parts: Parts) -> None:
    model = worlds.model("trees", "lr").fit(parts.train, parts.validation)
    model.remember(parts.known("streaming"))
    said = model.predict(parts.test.events)
    assert auc(labels_of(parts.test), said) > 0.68
    again = InterestModel.from_state(model.state())
    np.testing.assert_array_equal(again.predict(parts.test.events), said)


@pytest.mark.parametrize("body", ["trees", "mlp"])
def test_ratings(body: str) -> None:
    rng = np.random.default_rng(0)
    table, truth = worlds.pairs(1200)
    stars = np.clip(np.rint(1 + 4 * truth + rng.normal(0, 0.3, len(truth))), 1, 5)
    data = Dataset.from_tables(table.drop("label").with_columns(stars=stars))
    model = worlds.model(body, question={"column": "stars"}, body={"rating": True})
    train = np.arange(len(data)) % 10 < 8
    model.fit(data.take_events(train), data.take_events(~train))
    said = model.predict(data.events.filter(pl.Series(~train)))
    actual = data.events["stars"].to_numpy()[~train]
    assert np.sqrt(np.mean((said - actual) ** 2)) < 0.9 * actual.std()
    assert said.min() >= 1
    assert said.max() <= 5


def test_bad_input_is_named(parts: Parts, trees: InterestModel) -> None:
    with pytest.raises(NotFittedError):
        InterestModel().predict(parts.test.events)
    with pytest.raises(DataError, match="no such column"):
        trees.predict(pl.DataFrame({"user_id": [1]}))
    with pytest.raises(DataError, match="whole milliseconds"):
        trees.predict(pl.DataFrame({"user_id": [1], "item_id": [1], "timestamp": [0.5]}))
    with pytest.raises(ConfigError, match="dinn"):
        InterestModel(bodies=("dinn",))
    alike = parts.train.take_events(labels_of(parts.train) == 1)
    with pytest.raises(DataError, match="all"):
        worlds.model("lr").fit(alike)
    with pytest.raises(InputError, match="other users"):
        trees.remember(worlds.parts(100).train)
