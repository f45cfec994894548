from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.errors import InputError
from foretaste.models.interest import InterestModel, Parts
from foretaste.models.interest.few_labels import pseudo_labelled, to_ask_about
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
