from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste.content import Encoder
from foretaste.content.fusion import FusedEncoder, Method, build_network, following_pairs
from foretaste.data import Dataset
from foretaste.errors import ConfigError, DataError, NotFittedError
from foretaste.models import ContentBased
from foretaste.training import TrainingConfig

METHODS: tuple[Method, ...] = ("concatenation", "gated", "attention")
QUICK = TrainingConfig(epochs=8, batch_tokens=64, learning_rate=0.01, warmup_steps=0, average=0)
ITEMS, KINDS = 80, 4


class Column:
    """Reads its vectors from a column."""

    def __init__(self, column: str, dimension: int) -> None:
        self.column, self.dimension, self.fingerprint = column, dimension, f"column {column}"

    def encode(self, items: pl.DataFrame) -> np.ndarray:
        return np.array(items[self.column].to_list(), np.float32).reshape(-1, self.dimension)


@pytest.fixture(scope="module")
def world() -> Dataset:
    """The kind of an item is clear in `good` and buried in `noisy`; people stay with a kind."""
    rng = np.random.default_rng(0)
    kind = np.arange(ITEMS) % KINDS
    good = np.eye(KINDS)[kind] + 0.3 * rng.normal(size=(ITEMS, KINDS))
    noisy = rng.normal(size=(ITEMS, 6))
    good[:10] = 0
    noisy[5:15] = 0
    users = np.repeat(np.arange(200), 6)
    items = rng.integers(0, ITEMS // KINDS, len(users)) * KINDS + users % KINDS
    events = pl.DataFrame({"user_id": users, "item_id": items, "timestamp": np.arange(len(users))})
    catalogue = pl.DataFrame(
        {"item_id": np.arange(ITEMS), "good": good.tolist(), "noisy": noisy.tolist()}
    )
    return Dataset.from_tables(events, catalogue)


def fused(method: Method, **settings: object) -> FusedEncoder:
    encoders = {"good": Column("good", KINDS), "noisy": Column("noisy", 6)}
    return FusedEncoder(encoders, method=method, dimension=6, training=QUICK, **settings)


def apart(vectors: np.ndarray, rows: np.ndarray) -> float:
    """How much closer items of a kind are than others."""
    kind = rows % KINDS
    cosines = vectors[rows] @ vectors[rows].T
    same = (kind[:, None] == kind) & ~np.eye(len(rows), dtype=bool)
    return float(cosines[same].mean() - cosines[kind[:, None] != kind].mean())


@pytest.mark.parametrize("method", METHODS)
def test_one_vector_of_whatever_is_there(world: Dataset, method: Method):
    encoder = fused(method).fit(world)
    vectors = encoder.encode(world.items)
    assert isinstance(encoder, Encoder)
    assert vectors.shape == (ITEMS, encoder.dimension)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[:5], 1, atol=1e-5)
    np.testing.assert_allclose(lengths[5:10], 0, atol=1e-6)
    np.testing.assert_allclose(lengths[10:], 1, atol=1e-5)
    assert encoder.encode(world.items.clear()).shape == (0, encoder.dimension)
    alone = encoder.encode(world.items[20:21])
    np.testing.assert_allclose(alone[0], vectors[20], atol=1e-5)


@pytest.mark.parametrize("method", ["gated", "attention"])
def test_behaviour_teaches_which_modality_to_believe(world: Dataset, method: Method):
    both = np.arange(15, ITEMS)
    learnt = fused(method).fit(world).encode(world.items)
    plain = fused("concatenation").fit(world).encode(world.items)
    assert apart(learnt, both) > apart(plain, both) + 0.1
    only_good = np.arange(10, 15)
    assert apart(learnt, np.concatenate([only_good, both])) > 0.3


def test_the_gate_opens_for_the_modality_that_tells(world: Dataset):
    import torch

    encoder = fused("gated").fit(world)
    network = encoder._network
    assert network is not None
    vectors = torch.from_numpy(encoder._modalities(world.items)[15:])
    mapped = torch.einsum("nmd,mde->nme", vectors, network.maps)
    size = mapped.norm(dim=2) * torch.softmax(network.gate(mapped.flatten(1)), 1)
    assert size[:, 0].mean() > size[:, 1].mean()


@pytest.mark.parametrize("method", METHODS)
def test_it_comes_back_from_its_file(world: Dataset, method: Method, tmp_path: Path):
    encoder = fused(method)
    with pytest.raises(NotFittedError):
        encoder.encode(world.items)
    encoder.fit(world).save(tmp_path / "fused.safetensors")
    again = fused(method).load(tmp_path / "fused.safetensors")
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(again.encode(world.items), encoder.encode(world.items))


def test_the_same_seed_gives_the_same_vectors_and_another_seed_others(world: Dataset):
    one, two, other = (
        fused("gated", seed=seed).fit(world).encode(world.items) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, other)


def test_in_training_a_modality_is_hidden_only_where_another_is_there():
    import torch

    network = build_network(fused("gated", dropped=0.9).config, 2).train()
    present = torch.tensor([[True, True], [True, False], [False, False]]).repeat(500, 1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kept = network._kept(present)
    assert kept[0::3].sum(1).min() >= 1
    assert kept[0::3].all(1).float().mean() < 0.2
    assert 0.4 < kept[0::3][:, 0].float().mean() < 0.7
    assert (kept[1::3] == present[1::3]).all()
    assert not kept[2::3].any()
    assert (network.eval()._kept(present) == present).all()


def test_a_model_of_content_takes_it(world: Dataset):
    split = world.split("leave-one-out")
    model = ContentBased(content=fused("gated").fit(split.train)).fit(split.train)
    assert len(model.recommend(users=[0, 1], k=5)) == 10


def test_following_pairs_are_of_one_person(world: Dataset):
    left, right = following_pairs(world)
    assert (left % KINDS == right % KINDS).all()
    assert (left != right).all()


def test_what_cannot_be_fused(world: Dataset):
    with pytest.raises(ConfigError, match="no encoders"):
        FusedEncoder({})
    rows = list(range(5, 14))
    few = Dataset.from_tables(world.events.filter(pl.col("item_id").is_in(rows)), world.items[rows])
    with pytest.raises(DataError, match="'noisy'"):
        FusedEncoder({"noisy": Column("noisy", 6)}, dimension=6).fit(few)
