from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from scipy.special import expit

from foretaste.data import Dataset
from foretaste.errors import ConfigError, InputError
from foretaste.models.interest import InterestModel, Parts
from foretaste.models.interest.bodies import BodyConfig, Shape, make
from foretaste.models.interest.bodies._layers import Batch
from foretaste.models.interest.bodies.base import Examples
from foretaste.models.interest.bodies.consistency import blanked
from foretaste.models.interest.few_labels import pseudo_labelled, to_ask_about, with_unlabelled
from foretaste.models.interest.inputs import Inputs
from foretaste.models.interest.label_curves import Way, label_curve
from foretaste.models.interest.measures import auc
from foretaste.training import TrainingConfig, seeded
from tests.models.interest import worlds


@pytest.fixture(scope="module")
def parts() -> Parts:
    return worlds.parts()


@pytest.fixture(scope="module")
def model(parts: Parts) -> InterestModel:
    return worlds.model("trees").fit(parts.train, parts.validation)


def test_only_labels_the_model_is_sure_of_are_taken(parts: Parts, model: InterestModel) -> None:
    said = model.predict(parts.test.events)
    wrong = parts.test.events.with_columns(label=pl.lit(7.0))
    unlabelled = type(parts.test).from_tables(wrong, parts.test.items, parts.test.users)
    found = pseudo_labelled(model, parts.train, unlabelled, sure=0.7)
    sure = int((np.maximum(said, 1 - said) >= 0.7).sum())
    assert 0 < sure < len(said)
    assert len(found) == len(parts.train) + sure
    assert set(found.events["label"]) == {0.0, 1.0}
    with pytest.raises(InputError, match=r"0\.5"):
        pseudo_labelled(model, parts.train, parts.test, sure=0.4)


def test_what_is_asked_is_unsure_and_of_many_people(parts: Parts, model: InterestModel) -> None:
    said = model.predict(parts.test.events)
    rows = to_ask_about(model, parts.test.events, 12)
    assert len(set(rows)) == 12
    assert np.abs(said[rows] - 0.5).mean() < np.abs(said - 0.5).mean()
    assert parts.test.events["user_id"].gather(rows).n_unique() == 12
    np.testing.assert_array_equal(rows, to_ask_about(model, parts.test.events, 12))


def test_what_is_blanked_reads_as_unknown_and_leaves_no_gaps() -> None:
    past = torch.tensor([[5, 6, 7, 0], [8, 0, 0, 0]]).repeat(50, 1)
    ones = torch.ones(100, 3)
    batch = Batch(past[:, 0], past[:, 0], past[:, 0], ones.long(), ones, past, past / 10)
    with seeded(0):
        found = blanked(batch, 0.4)
    assert found.people.equal(batch.people)
    for values in (found.choices, found.scaled):
        assert 0.3 < float((values == 0).float().mean()) < 0.5
    there = found.past_items > 0
    assert (there[:, 1:] <= there[:, :-1]).all()
    assert there.sum() < (past > 0).sum()
    # In order, and with the labels that go with them.
    assert ((found.past_items.diff(dim=1) > 0) | ~there[:, 1:]).all()
    assert torch.allclose(found.past_labels, found.past_items / 10)


def test_consistency_learns_from_pairs_without_labels() -> None:
    """Answers to these then depend less on what is missing, and still tell them apart."""
    rng = np.random.default_rng(0)
    wanted = (rng.random(1200) < 0.5).astype(np.float32)
    scaled = (rng.normal(0, 0.7, (1200, 8)) + wanted[:, None] - 0.5).astype(np.float32)
    codes, past = np.zeros(1200, np.int32), np.zeros((1200, 2), np.int32)
    inputs = Inputs(codes, codes, codes[:, None], scaled, scaled, past, past.astype(np.float32))
    labels = np.where(np.arange(1200) < 60, wanted, np.nan).astype(np.float32)
    weights = np.ones(1200, np.float32)
    few = Examples(inputs.take(np.arange(60)), labels[:60], weights[:60])
    shape = Shape(1, (1,), 8, (), np.zeros((1, 1), np.float32), 2)
    training = TrainingConfig.parse(worlds.QUICK)
    there, changes = rng.random(scaled.shape) < 0.5, {}
    # As many steps for both, of which one has a twentieth of the pairs.
    for weight, train, rounds in ((0.0, few, 190), (20.0, Examples(inputs, labels, weights), 10)):
        config = BodyConfig(
            consistency=weight, blanked=0.5, dimension=4, layers=(16,), training=training
        )
        body = make("mlp", shape, config)
        body.fit(train, None, rounds)
        found = body.log_odds(inputs)
        assert auc(wanted[60:], found[60:]) > 0.8
        less = replace(inputs, scaled=scaled * there)
        answers = [expit(said[60:]) for said in (found, body.log_odds(less))]
        changes[weight] = np.abs(answers[0] - answers[1]).mean()
    assert changes[20.0] < 0.85 * changes[0.0]


def test_pairs_without_labels_are_learnt_from_and_saved(parts: Parts) -> None:
    few = np.arange(len(parts.train)) % 4 == 0
    labelled, others = parts.train.take_events(few), parts.train.take_events(~few)
    data = with_unlabelled(labelled, others)
    assert data.events["label"].null_count() == len(others)
    asked, answers = parts.test.events.drop("label", "known_at"), []
    for train, weight in ((labelled, 0.0), (data, 0.0), (data, 5.0)):
        model = worlds.model("fused", body={"consistency": weight}, refit=False)
        answers.append(model.fit(train, parts.validation).predict(asked))
        again = InterestModel.from_state(model.state())
        np.testing.assert_array_equal(again.predict(asked), answers[-1])
    # Without the weight they are as if they were not there.
    np.testing.assert_array_equal(answers[0], answers[1])
    assert (answers[1] != answers[2]).any()


def test_labels_that_were_not_asked_for_are_not_read(parts: Parts) -> None:
    wrong = parts.test.events.with_columns(label=pl.lit(7.0, pl.Float32))
    unlabelled = Dataset.from_tables(wrong, parts.test.items, parts.test.users)
    assert 7.0 not in with_unlabelled(parts.train, unlabelled).events["label"].to_list()


@pytest.mark.parametrize("way", ["random", "active", "pseudo-labels", "consistency"])
def test_more_labels_foresee_better_in_every_way(parts: Parts, way: Way) -> None:
    config = worlds.model("lr", features={"history": 4}).config
    found = label_curve(config, parts, way=way, budgets=(40, 1000), seed=1, sure=0.7)
    assert found["labels"].to_list() == [40, 1000]
    few, many = found["auc"]
    assert 0.3 < few < many
    assert many > 0.6
    if way == "random":
        assert found.equals(label_curve(config, parts, way=way, budgets=(40, 1000), seed=1))
        with pytest.raises(InputError, match="ascend"):
            label_curve(config, parts, way=way, budgets=(50, 20))


def test_only_networks_learn_without_labels() -> None:
    with pytest.raises(ConfigError, match=r"trees.*without labels"):
        worlds.model("trees", body={"consistency": 1.0})
