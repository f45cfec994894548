from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.content import Encoder, SteppedEncoder, Steps
from foretaste.errors import ArtifactError, ConfigError, NotFittedError
from tests.content.words import WordCounts

RNG = np.random.default_rng(0)
VECTORS = (RNG.normal(size=(200, 8)) * [9, 5, 3, 2, 1, 1, 0.5, 0.1] + 4).astype(np.float32)
VECTORS[[3, 77]] = 0


def applied(*steps: str, vectors: np.ndarray = VECTORS) -> np.ndarray:
    return Steps(steps).fit(vectors).apply(vectors)


def said(vectors: np.ndarray) -> np.ndarray:
    return np.delete(vectors, [3, 77], axis=0)


@pytest.mark.parametrize(
    "step", ["normalise", "centre", "pca:3", "whiten", "whiten:4", "random:5", "truncate:2"]
)
def test_what_says_nothing_stays_nothing_and_the_length_is_what_was_asked(step: str):
    found = applied(step)
    assert found.dtype == np.float32
    assert not found[[3, 77]].any()
    assert said(found).any(axis=1).all()
    assert found.shape == (200, int(step.partition(":")[2] or 8))


def test_each_step_does_what_it_says():
    np.testing.assert_allclose(said(applied("centre")).mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(said(applied("normalise")), axis=1), 1, atol=1e-5)
    covariance = np.cov(said(applied("whiten:4")).T)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    assert covariance.diagonal().min() > 0.8 * covariance.diagonal().max()
    assert (applied("truncate:2") == VECTORS[:, :2]).all()
    centred = said(VECTORS) - said(VECTORS).mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(
        np.abs(said(applied("pca:2"))), np.abs(centred @ axes[:2].T), atol=1e-3
    )


def test_few_vectors_are_whitened_less_as_their_variances_are_hardly_known():
    few, many = RNG.normal(size=(6, 5)) * [9, 3, 1, 1, 1], RNG.normal(size=(9000, 5))
    alike = Steps(["whiten", "normalise"]).fit(few).apply(few.astype(np.float32))
    cosines = alike @ alike.T
    assert cosines[~np.eye(6, dtype=bool)].max() > 0.3  # all alike would be -1/5
    spread = np.cov(applied("whiten", vectors=(many * [9, 3, 1, 1, 1]).astype(np.float32)).T)
    np.testing.assert_allclose(spread, np.eye(5), atol=0.02)


def test_items_that_all_say_the_same_are_whitened_to_something_finite():
    same = np.tile(np.float32([1, 2, 3]), (5, 1))
    assert np.isfinite(applied("whiten", "normalise", vectors=same)).all()


def test_a_random_projection_keeps_distances_and_is_of_the_seed():
    wide = RNG.normal(size=(30, 400)).astype(np.float32)
    narrow = applied("random:200", vectors=wide)
    for a, b in ((0, 1), (5, 9), (20, 3)):
        true = np.linalg.norm(wide[a] - wide[b])
        assert abs(np.linalg.norm(narrow[a] - narrow[b]) / true - 1) < 0.2
    other = Steps(["random:200"], seed=1).fit(wide).apply(wide)
    assert not np.allclose(narrow, other)


def test_steps_follow_each_other():
    together = applied("pca:4", "normalise")
    by_hand = applied("normalise", vectors=applied("pca:4"))
    np.testing.assert_allclose(together, by_hand, atol=1e-6)


@given(st.lists(st.sampled_from(["normalise", "centre", "pca:3", "whiten:3", "truncate:3"])))
def test_what_was_fitted_comes_back(names: list[str]):
    steps = Steps(names).fit(VECTORS)
    again = Steps(names).restore(steps.tensors("x."), "x.")
    assert (again.apply(VECTORS) == steps.apply(VECTORS)).all()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("pca", "needs a length"),
        ("normalise:3", "has no length"),
        ("pca:-3", "no length"),
        ("polish", "there is no step"),
        ("pca:9", "only 8"),
    ],
)
def test_steps_that_make_no_sense(step: str, told: str):
    with pytest.raises(ConfigError, match=told):
        applied(step)


TITLES = ["garden lamp", "desk", "garden desk", None, "desk lamp lamp", "garden garden lamp"]
ITEMS = pl.DataFrame({"title": TITLES})


def test_an_encoder_with_steps_is_an_encoder_and_comes_back_from_its_file(tmp_path: Path):
    encoder = SteppedEncoder(WordCounts(), ["pca:2", "normalise"])
    with pytest.raises(NotFittedError):
        encoder.encode(ITEMS)
    encoder.fit(ITEMS)
    assert isinstance(encoder, Encoder)
    assert encoder.dimension == 2
    vectors = encoder.encode(ITEMS)
    assert vectors.shape == (6, 2)
    assert not vectors[3].any()
    encoder.save(tmp_path / "steps.safetensors")
    again = SteppedEncoder(WordCounts(), ["pca:2", "normalise"])
    again.load(tmp_path / "steps.safetensors")
    assert again.fingerprint == encoder.fingerprint
    assert (again.encode(ITEMS) == vectors).all()


def test_a_file_of_other_settings_another_model_or_damaged_is_refused(tmp_path: Path):
    path = tmp_path / "steps.safetensors"
    SteppedEncoder(WordCounts(), ["pca:2"]).fit(ITEMS).save(path)
    for encoder in (
        SteppedEncoder(WordCounts(), ["pca:1"]),
        SteppedEncoder(WordCounts("words-2"), ["pca:2"]),
    ):
        with pytest.raises(ArtifactError, match="other settings"):
            encoder.load(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ArtifactError, match="can't be read"):
        SteppedEncoder(WordCounts(), ["pca:2"]).load(path)


def test_the_fingerprint_follows_what_was_fitted():
    one = SteppedEncoder(WordCounts(), ["centre"]).fit(ITEMS)
    two = SteppedEncoder(WordCounts(), ["centre"]).fit(ITEMS.head(3))
    assert one.fingerprint != two.fingerprint
