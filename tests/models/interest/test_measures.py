from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from foretaste.models.interest import measures
from foretaste.models.interest.calibration import Calibration

pair = st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.5, 0.5, 0.8]), st.integers(0, 3))


@given(st.lists(pair, min_size=2, max_size=60))
def test_auc_and_log_loss_are_those_of_scikit_learn(rows: list[tuple[int, float, int]]) -> None:
    labels, said, people = (np.array(column) for column in zip(*rows, strict=True))
    if len(set(labels)) < 2:
        assert np.isnan(measures.auc(labels, said))
        return
    assert measures.auc(labels, said) == pytest.approx(oracle.roc_auc_score(labels, said))
    assert measures.log_loss(labels, said) == pytest.approx(oracle.log_loss(labels, said))
    own = {
        p: oracle.roc_auc_score(labels[people == p], said[people == p])
        for p in set(people)
        if len(set(labels[people == p])) == 2
    }
    if own:
        sizes = [(people == p).sum() for p in own]
        values = list(own.values())
        assert measures.uauc(people, labels, said) == pytest.approx(np.mean(values))
        assert measures.gauc(people, labels, said) == pytest.approx(
            np.average(values, weights=sizes)
        )


def test_calibration_error_by_hand() -> None:
    labels = np.array([1, 0, 1, 1])
    said = np.array([0.05, 0.05, 0.9, 0.9])
    assert measures.ece(labels, said, bins=10) == pytest.approx((0.45 * 2 + 0.1 * 2) / 4)
    assert measures.reliability(labels, said, bins=10)["pairs"].to_list() == [2, 2]


def test_lists_are_each_person_s_own() -> None:
    hits, relevant = measures.list_hits(
        np.array([7, 7, 7, 9, 9, 4]),
        np.array([0, 1, 1, 0, 1, 0]),
        np.array([0.9, 0.8, 0.1, 0.2, 0.7, 1.0]),
        k=2,
    )
    assert hits.tolist() == [[False, True], [True, False]]
    assert relevant.tolist() == [2, 1]


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_calibration_brings_back_what_was_distorted(method: str) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1.5, 20_000)
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-truth))).astype(float)
    shift = 0.0 if method == "temperature" else 0.8
    distorted = 3 * truth + shift
    found = Calibration.fit(method, distorted[:10_000], labels[:10_000])
    said = found.apply(distorted[10_000:])
    raw = Calibration.none().apply(distorted[10_000:])
    assert measures.ece(labels[10_000:], said) < 0.02 < measures.ece(labels[10_000:], raw)
    order = np.argsort(distorted[10_000:])
    assert (np.diff(said[order]) >= 0).all()
    again = Calibration.restored(found.tensors())
    np.testing.assert_array_equal(again.apply(distorted), found.apply(distorted))


def test_labels_that_are_all_alike_teach_no_calibration() -> None:
    found = Calibration.fit("platt", np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    assert found.apply(np.array([0.0]))[0] == 0.5
