from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest

from foretaste.content import Encoder
from foretaste.content.knowledge import RelationEncoder
from foretaste.errors import DataError, NotFittedError
from foretaste.training import TrainingConfig
from tests.content.words import WordCounts

Kind = Literal["smoothing", "transe"]
KINDS: tuple[Kind, ...] = ("smoothing", "transe")
QUICK = TrainingConfig(epochs=30, batch_tokens=16, learning_rate=0.05, warmup_steps=0, average=0)
ITEMS = pl.DataFrame(
    {
        "item_id": list(range(1, 13)),
        "title": ["garden", "desk", "lamp"] * 3 + [None, "desk", "garden"],
    }
)
TRIPLES = pl.DataFrame(
    [(str(i), "brand", "Acme" if i % 2 else "Bolt") for i in range(1, 12)],
    schema=["head", "relation", "tail"],
    orient="row",
)


def related(method: Kind, **settings: object) -> RelationEncoder:
    return RelationEncoder(
        WordCounts(), TRIPLES, method=method, dimension=8, training=QUICK, **settings
    )


@pytest.mark.parametrize("method", KINDS)
def test_items_that_share_a_brand_come_closer(method: Kind):
    encoder = related(method).fit(ITEMS)
    assert isinstance(encoder, Encoder)
    vectors = encoder.encode(ITEMS)
    assert vectors.shape == (12, encoder.dimension)
    # Same brand, other words; other brand, other words.
    assert vectors[0] @ vectors[4] > vectors[0] @ vectors[1] + 0.05
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("method", KINDS)
def test_words_or_relations_may_be_missing(method: Kind):
    encoder = related(method).fit(ITEMS)
    vectors = encoder.encode(ITEMS)
    assert vectors[9].any(), "no words, but a brand"
    own = WordCounts().encode(ITEMS)[11]
    np.testing.assert_allclose(vectors[11][:3], own / np.linalg.norm(own), atol=1e-5)
    assert not encoder.encode(
        pl.DataFrame({"item_id": [99], "title": [None]}).cast({"title": pl.String})
    ).any()


@pytest.mark.parametrize("method", KINDS)
def test_an_item_that_was_not_fitted_is_encoded_as_if_it_had_been_there(method: Kind):
    encoder = related(method).fit(ITEMS.head(8))
    late = encoder.encode(ITEMS[8:9])
    early = encoder.encode(ITEMS)[8:9]
    np.testing.assert_allclose(late, early, atol=1e-6)


def test_the_strength_is_how_far_an_item_moves():
    own = WordCounts().encode(ITEMS)[:3]
    near = related("smoothing", strength=0.1).fit(ITEMS).encode(ITEMS)[:3]
    far = related("smoothing", strength=2.0).fit(ITEMS).encode(ITEMS)[:3]
    assert ((near * own).sum(1) > (far * own).sum(1)).all()


@pytest.mark.parametrize("method", KINDS)
def test_it_comes_back_from_its_file(method: Kind, tmp_path: Path):
    encoder = related(method)
    with pytest.raises(NotFittedError):
        encoder.encode(ITEMS)
    encoder.fit(ITEMS).save(tmp_path / "related.safetensors")
    again = related(method).load(tmp_path / "related.safetensors")
    assert again.fingerprint == encoder.fingerprint == related(method).fit(ITEMS).fingerprint
    np.testing.assert_array_equal(again.encode(ITEMS), encoder.encode(ITEMS))


def test_relations_of_other_things_are_an_error():
    with pytest.raises(DataError, match="no head"):
        related("smoothing").fit(ITEMS.with_columns(item_id=pl.col("item_id") + 100))
    with pytest.raises(DataError, match="no ids"):
        related("smoothing").fit(ITEMS).encode(ITEMS.drop("item_id"))
