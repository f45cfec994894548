from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from structlog.testing import capture_logs

from foretaste.content import ImageEncoder
from foretaste.content.picture_pretraining import (
    PicturePretrainingConfig,
    contrastive_loss,
    pretrain_pictures,
    views,
)
from foretaste.data.shop import ShopConfig, generate
from foretaste.errors import DataError, InputError
from foretaste.training import TrainingConfig

QUICK = PicturePretrainingConfig(
    side=32,
    widths=(8, 16, 32),
    training=TrainingConfig(
        epochs=40, patience=40, batch_tokens=64, learning_rate=5e-3, warmup_steps=5, average=0.9
    ),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "shop"
    return generate(ShopConfig(items=240, people=50)).write(folder, images=True)


@pytest.fixture(scope="module")
def trained(shop: Path, tmp_path_factory: pytest.TempPathFactory):
    target = tmp_path_factory.mktemp("models") / "pictures"
    return target, pretrain_pictures(sorted((shop / "images").iterdir()), target, QUICK)


def test_it_learns_to_find_the_other_view_of_pictures_it_never_saw(trained):
    _, history = trained
    assert history.epochs[history.best - 1].metric > history.epochs[0].metric + 0.2
    assert history.epochs[-1].loss < history.epochs[0].loss


def test_what_comes_out_is_a_model_that_knows_categories_it_was_never_told(trained, shop: Path):
    target, _ = trained
    truth = pl.read_parquet(shop / "truth" / "items.parquet")
    items = pl.DataFrame({"image": [f"images/{i}.png" for i in truth["item_id"]]})
    vectors = ImageEncoder(str(target), folder=shop, cache=None).encode(items)
    assert vectors.shape == (240, 32)
    centred = vectors - vectors.mean(0)
    near = (centred @ centred.T) / np.outer(*[np.linalg.norm(centred, axis=1)] * 2)
    np.fill_diagonal(near, -1)
    category = truth["category"].to_numpy()
    right = (category[near.argmax(1)] == category).mean()
    by_chance = np.mean([(category == c).mean() for c in category])
    # Weights as they are drawn come to 0.18.
    assert right > 0.22 > 8 * by_chance


def test_the_same_seed_gives_the_same_weights(shop: Path, tmp_path: Path):
    files = sorted((shop / "images").iterdir())[:48]
    short = QUICK.model_copy(update={"training": QUICK.training.model_copy(update={"epochs": 1})})
    one, two = (tmp_path / name for name in ("one", "two"))
    for target in (one, two):
        pretrain_pictures(files, target, short)
    weights = [(target / "model.safetensors").read_bytes() for target in (one, two)]
    assert weights[0] == weights[1]


def test_views_differ_but_keep_shape_and_range():
    pixels = torch.rand(6, 3, 20, 20) * 2 - 1
    with torch.random.fork_rng():
        torch.manual_seed(0)
        one, other = views(pixels, 0.5), views(pixels, 0.5)
    assert one.shape == pixels.shape
    assert not torch.allclose(one, other, atol=0.1)
    assert one.abs().max() <= 1


def test_the_loss_is_least_where_partners_are_alike_and_others_are_not():
    apart = torch.eye(4)
    same = torch.ones(4, 4) / 2
    assert contrastive_loss(apart, apart, 0.1) < 0.01
    np.testing.assert_allclose(contrastive_loss(same, same, 0.1), np.log(7), atol=1e-5)
    assert contrastive_loss(apart, apart.roll(1, 0), 0.1) > 5


def test_bad_pictures_are_left_out_and_counted(shop: Path, tmp_path: Path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    files = [*sorted((shop / "images").iterdir())[:10], bad, tmp_path / "gone.png"]
    with capture_logs() as logs, pytest.raises(DataError, match="10 pictures can be used"):
        pretrain_pictures(files, tmp_path / "new", QUICK)
    assert logs[0]["files"] == 2
    with pytest.raises(InputError, match="exists already"):
        pretrain_pictures(files, tmp_path, QUICK)
