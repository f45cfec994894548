from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from foretaste.content import TextEncoder, TextEncoderConfig
from foretaste.content.pretraining import (
    Pretrained,
    PretrainingConfig,
    ScratchConfig,
    _trainer,
    pretrain,
)
from foretaste.content.unit import unit
from foretaste.data import Dataset
from foretaste.errors import ConfigError, InputError

QUICK = {"precision": "fp32", "batch": 10, "epochs": 2, "held_out": 0.1, "learning_rate": 3e-3}


def made(model: Path, shop: Dataset, folder: Path, **settings: Any) -> Pretrained:
    return pretrain(
        shop,
        folder,
        content=TextEncoderConfig(model=str(model)),
        config=PretrainingConfig(**QUICK | settings),
    )


def vectors(folder: Path, shop: Dataset) -> np.ndarray:
    return TextEncoder(str(folder), cache=None, precision="fp32").encode(shop.items)


@pytest.mark.parametrize("objective", ["mlm", "sections", "contrastive", "behaviour"])
def test_the_result_is_a_model_that_has_learnt(
    objective: str, plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    # Random weights see no difference between items at first, and people's tastes come late.
    epochs = 20 if objective == "behaviour" else 4
    done = made(
        plain_model, shop, tmp_path / "made", objective=objective, epochs=epochs, patience=epochs
    )
    assert done.curve.held_out[done.curve.best - 1] < done.curve.held_out[0]
    assert vectors(done.folder, shop).shape == (40, 16)
    assert not np.allclose(vectors(done.folder, shop), vectors(plain_model, shop), atol=1e-3)
    told = yaml.safe_load((done.folder / "pretraining.yaml").read_text())
    assert told["settings"]["objective"] == objective
    assert told["held_out_loss"] == list(done.curve.held_out)
    # Nothing is left beside the model.
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("tower", ["item", "history"])
def test_what_people_care_about_brings_items_together(
    tower: str, plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    def gap(folder: Path) -> float:
        near = unit(vectors(folder, shop))
        red = np.arange(40) < 20
        return float((near @ near.T)[red][:, red].mean() - (near @ near.T)[red][:, ~red].mean())

    settings = {"objective": "behaviour", "tower": tower, "epochs": 20, "patience": 20}
    made(plain_model, shop, tmp_path / "made", **settings)
    assert gap(tmp_path / "made") > gap(plain_model) + 0.2


@pytest.mark.parametrize("method", ["last-layers", "lora", "ia3", "prefix"])
def test_few_weights_are_trained_and_the_result_is_read_alike(
    method: str, plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    done = made(plain_model, shop, tmp_path / "made", method=method, layers=1, rank=2, epochs=1)
    assert 0 < done.trainable < 0.4 * done.weights
    assert not np.allclose(vectors(done.folder, shop), vectors(plain_model, shop), atol=1e-4)
    assert (done.folder / "adapter").is_dir() == (method == "prefix")


def test_a_prefix_of_another_base_is_refused(
    plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    folder = made(plain_model, shop, tmp_path / "made", method="prefix", rank=2, epochs=1).folder
    weights = folder / "adapter" / "adapter_model.safetensors"
    kept = {name: np.ascontiguousarray(value[:, ::2]) for name, value in load_file(weights).items()}
    save_file(kept, weights)
    with pytest.raises(InputError) as raised:
        vectors(folder, shop)
    assert raised.value.file == str(folder)


def test_the_same_seed_gives_the_same_model(
    plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made(plain_model, shop, tmp_path / name, epochs=1, seed=seed)
    a, b, c = (vectors(tmp_path / name, shop) for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_training_that_was_stopped_ends_as_one_that_was_not(
    plain_model: Path, shop: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"objective": "contrastive", "epochs": 3}
    whole = made(plain_model, shop, tmp_path / "whole", **settings)
    save = _trainer._Trainer._save_checkpoint

    def stop(self: Any, *arguments: Any) -> None:
        save(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_trainer._Trainer, "_save_checkpoint", stop)
        with pytest.raises(KeyboardInterrupt):
            made(plain_model, shop, tmp_path / "stopped", **settings)
    assert not (tmp_path / "stopped").exists()
    [checkpoints] = tmp_path.glob(".stopped-*")
    kept = {path.suffix for path in checkpoints.rglob("*") if path.is_file()}
    assert kept == {".safetensors", ".json"}
    # Another base is another training.
    other = tmp_path / "other"
    shutil.copytree(plain_model, other)
    weights = load_file(other / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    save_file(weights | {name: weights[name] * 2}, other / "model.safetensors", {"format": "pt"})
    assert len(made(other, shop, tmp_path / "beside", **settings).curve.loss) == 3
    again = made(plain_model, shop, tmp_path / "stopped", **settings)
    assert again.curve == whole.curve
    assert np.array_equal(vectors(again.folder, shop), vectors(whole.folder, shop))


def test_it_stops_when_the_held_out_loss_does_not_fall(
    plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    done = made(plain_model, shop, tmp_path / "made", epochs=20, learning_rate=3.0, patience=1)
    assert len(done.curve.loss) < 20


def test_most_steps(plain_model: Path, shop: Dataset, tmp_path: Path) -> None:
    done = made(plain_model, shop, tmp_path / "one", steps=1, epochs=9)
    assert len(done.curve.loss) == len(done.curve.held_out) == 1
    done = made(plain_model, shop, tmp_path / "all", steps=1000, epochs=2)
    assert len(done.curve.loss) == 2


def test_losses_are_written_for_tensorboard(
    plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    made(plain_model, shop, tmp_path / "made", epochs=1, tensorboard=tmp_path / "board")
    [events] = (tmp_path / "board").glob("events*")
    assert b"eval/loss" in events.read_bytes()


def test_there_may_be_nothing_at_its_place(
    plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="already"):
        made(plain_model, shop, tmp_path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"objective": "mlm", "method": "prefix"}, "prefix"),
        ({"scratch": {}, "method": "lora"}, "scratch"),
        ({"scratch": {"dimension": 10, "heads": 4}}, "multiple"),
        ({"objctive": "mlm"}, "objective"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PretrainingConfig.parse(settings)


def _no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _other_hidden_size(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 32}))


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize("damage", [_no_tokenizer, _other_hidden_size, _pickled])
@pytest.mark.parametrize("objective", ["mlm", "contrastive"])
def test_a_model_that_does_not_fit_is_refused(
    damage: Callable[[Path], None], objective: str, plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(plain_model, folder)
    (folder / "vocab.txt").unlink(missing_ok=True)
    damage(folder)
    with pytest.raises(InputError) as raised:
        made(folder, shop, tmp_path / "made", objective=objective)
    assert raised.value.field == "model"
    assert not (tmp_path / "made").exists()


ODD = [
    "",
    None,
    "x" * 100_000,
    "字" * 100_000,
    "👩🏽‍🚀💅 🧴",
    "<p>Bold &amp; <b>brave</b></p>",
    "\x00\x07\u200b\x1b[31mred\x1b[0m",
    "قلم أحمر и красная лампа 红色台灯",
    "red lamp",
    "red lamp",
    "   \n\t ",
]


@pytest.mark.parametrize("objective", ["mlm", "contrastive", "behaviour"])
def test_odd_texts_are_read_or_counted(
    objective: str, plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    titles = [*ODD, *shop.items["title"][len(ODD) :]]
    odd = Dataset.from_tables(
        shop.events, shop.items.select("item_id", pl.Series("title", titles)), clock="order"
    )
    done = made(plain_model, odd, tmp_path / "made", objective=objective, epochs=1)
    assert done.silent == 3
    assert np.isfinite(done.curve.loss).all()
    assert np.isfinite(vectors(done.folder, odd)).all()


def test_the_tower_of_a_sequence_has_to_be_given(
    plain_model: Path, shop: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="make_tower"):
        made(plain_model, shop, tmp_path / "made", objective="behaviour", tower="sequence")


@pytest.mark.slow
def test_a_decoder_learns_too(shop: Dataset, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        shop.items["title"].to_list(),
        trainers.BpeTrainer(special_tokens=["<end>"], initial_alphabet=alphabet, vocab_size=300),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>")
    folder = tmp_path / "decoder"
    tokenizer.save_pretrained(str(folder))
    shape = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=64)
    GPT2LMHeadModel(shape).save_pretrained(str(folder))
    words = made(folder, shop, tmp_path / "words", objective="mlm", epochs=4)
    assert words.curve.held_out[-1] < words.curve.held_out[0]
    views = made(words.folder, shop, tmp_path / "views", objective="contrastive", epochs=1)
    assert vectors(views.folder, shop).shape == (40, 16)


def test_from_scratch_it_learns_its_own_tokens(shop: Dataset, tmp_path: Path) -> None:
    titles = [
        "红色台灯",
        "红色椅子",
        "蓝色台灯",
        "蓝色椅子 chair",
        "指甲油 红色",
        "blue 台灯",
        "书桌",
    ]
    chinese = shop.items.with_columns(
        pl.Series("title", [titles[n % 7] + "新" * (n // 7) for n in range(40)])
    ).drop("categories")
    data = Dataset.from_tables(shop.events, chinese, clock="order")
    done = pretrain(
        data,
        tmp_path / "made",
        config=PretrainingConfig(
            **QUICK | {"epochs": 6},
            objective="mlm",
            scratch=ScratchConfig(vocabulary=200, layers=1, dimension=16, heads=2),
        ),
    )
    assert done.curve.held_out[-1] < done.curve.held_out[0]
    encoder = TextEncoder(str(done.folder), cache=None, precision="fp32")
    one, same, other = unit(encoder.encode_texts(["红色台灯", "红色 台灯", "书桌"]))
    assert one @ same > one @ other
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(str(done.folder)).tokenize("红色台灯 chair")
    assert "[UNK]" not in tokens
    assert "红" in tokens
