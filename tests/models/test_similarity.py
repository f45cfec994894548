from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.utils import ParameterWarning
from scipy.sparse import csr_matrix

from foretaste.data import Dataset
from foretaste.errors import DataError
from foretaste.models import ItemKNN
from foretaste.models._implicit import interactions, inverse_propensity
from foretaste.models._similarity import jaccard, keep_best
from tests.contracts.worlds import two_tastes

tables = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 5), st.just(6)), elements=st.integers(0, 1)
).map(lambda table: table.astype(np.float32))


@given(tables, tables, st.sampled_from([0.0, 2.0]))
def test_jaccard_is_shared_over_either(
    queries: np.ndarray, documents: np.ndarray, shrinkage: float
) -> None:
    found = jaccard(csr_matrix(queries), csr_matrix(documents), shrinkage).toarray()
    for row, query in enumerate(queries):
        for column, document in enumerate(documents):
            both = np.logical_and(query, document).sum()
            either = np.logical_or(query, document).sum() + shrinkage
            assert found[row, column] == pytest.approx(both / either if both else 0)


@given(hnp.arrays(np.float32, (4, 5), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0])))
def test_the_best_of_every_row_are_kept(table: np.ndarray) -> None:
    kept = keep_best(csr_matrix(table), 2).toarray()
    order = np.argsort(-table, axis=1, kind="stable")[:, :2]
    expected = np.zeros_like(table)
    np.put_along_axis(expected, order, np.take_along_axis(table, order, axis=1), axis=1)
    np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize(
    ("weighting", "oracle"),
    [
        ("cosine", CosineRecommender(K=30)),
        ("tfidf", TFIDFRecommender(K=30)),
        ("bm25", BM25Recommender(K=30)),
    ],
)
def test_item_similarities_are_those_of_implicit(
    weighting: str, oracle: CosineRecommender, world: Dataset
) -> None:
    model = ItemKNN(weighting=weighting, shrinkage=0, neighbours=29).fit(world)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ParameterWarning)
        oracle.fit(interactions(world, model.config), show_progress=False)
    expected = oracle.similarity.toarray()
    np.fill_diagonal(expected, 0)
    expected[np.abs(expected) < 1e-12] = 0
    np.testing.assert_allclose(model.similarity.toarray(), expected, rtol=1e-5, atol=1e-7)


@pytest.fixture
def world() -> Dataset:
    return two_tastes()


def test_propensity_lifts_what_is_rarely_met(world: Dataset) -> None:
    plain, corrected = (
        ItemKNN(propensity=power).fit(world).similarity.toarray() for power in (0, 0.5)
    )
    weights = inverse_propensity(world.item_counts, 0.5)
    np.testing.assert_allclose(corrected, plain * weights, rtol=1e-6)


@given(hnp.arrays(np.int64, 7, elements=st.integers(0, 50)), st.sampled_from([0.0, 0.5, 1.0]))
def test_inverse_propensities_have_mean_one_over_events(counts: np.ndarray, power: float) -> None:
    assume(counts.sum() > 0)
    weights = inverse_propensity(counts, power)
    assert weights @ counts / counts.sum() == pytest.approx(1, rel=1e-5)
    rising = weights[np.argsort(-counts, kind="stable")]
    assert (np.diff(rising) >= -1e-6).all()


def test_no_item_counts_for_rarer_than_the_median() -> None:
    counts = np.array([0, 1, 2, 8, 32, 128])
    weights = inverse_propensity(counts, 1.0)
    np.testing.assert_allclose(weights / weights[3], [1, 1, 1, 1, 0.25, 0.0625], rtol=1e-6)


def test_recorded_exposure_stands_before_popularity(world: Dataset) -> None:
    shown = pl.Series("shown", np.arange(1.0, len(world.items) + 1))
    data = replace(world, items=world.items.with_columns(shown))
    plain = ItemKNN().fit(data).similarity.toarray()
    corrected = ItemKNN(propensity=1, exposure="shown").fit(data).similarity.toarray()
    ratio = corrected[plain > 0] / plain[plain > 0]
    columns = np.nonzero(plain > 0)[1]
    exposure = np.maximum(columns, np.median(shown))
    np.testing.assert_allclose(ratio * exposure, ratio[0] * exposure[0], rtol=1e-4)


@pytest.mark.parametrize(
    "column", [["a"], [0.0], [None], [-1.0]], ids=["words", "zero", "null", "negative"]
)
def test_exposures_that_are_none_are_named(world: Dataset, column: list[Any]) -> None:
    bad = pl.Series("shown", column * len(world.items), strict=False)
    data = replace(world, items=world.items.with_columns(bad))
    for items in (data, world):
        with pytest.raises(DataError) as caught:
            ItemKNN(propensity=0.5, exposure="shown").fit(items)
        assert caught.value.field == "shown"
