from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from structlog.testing import capture_logs

from foretaste.content import (
    Encoder,
    TextEncoder,
    TextEncoderConfig,
    _network,
    item_texts,
    momentary,
)
from foretaste.content._tokens import like_length_batches
from foretaste.errors import ConfigError, InputError
from tests.conftest import shared_data
from tests.content.conftest import MAX_POSITIONS, write_json

TEXTS = ["red nail polish", "the garden chair , a blue lamp .", "desk", "💅", "x " * 400]


def encoder(model: Path, **settings: Any) -> TextEncoder:
    return TextEncoder(str(model), **{"cache": None, "precision": "fp32", **settings})


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that reach a network, in the order in which they do."""
    seen: list[str] = []
    embed = _network.TransformerNetwork.embed

    def spy(self: _network.TransformerNetwork, texts: list[str]) -> Any:
        seen.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(_network.TransformerNetwork, "embed", spy)
    return seen


def by_the_book(folder: Path, text: str) -> np.ndarray:
    """Token vectors of one text, straight from transformers, float[tokens, 16]."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(str(folder))(
        text, truncation=True, max_length=MAX_POSITIONS, return_tensors="pt"
    )
    with torch.inference_mode():
        model = AutoModel.from_pretrained(str(folder)).eval()
        return model(**tokens).last_hidden_state[0].numpy()


def test_a_plain_model_gives_the_mean_of_its_token_vectors(plain_model: Path):
    vectors = encoder(plain_model).encode_texts(TEXTS)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(vector, by_the_book(plain_model, text).mean(0), atol=1e-5)


def test_a_sentence_model_is_pooled_and_scaled_as_it_says(sentence_model: Path):
    vectors = encoder(sentence_model).encode_texts(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        first = by_the_book(sentence_model, text)[0]
        np.testing.assert_allclose(vector, first / np.linalg.norm(first), atol=1e-5)


@pytest.mark.parametrize(
    ("pooling", "understood"),
    [
        ({"embedding_dimension": 16, "pooling_mode": "mean"}, "mean"),
        ({"embedding_dimension": 16, "pooling_mode": "cls"}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": ["mean", "max"]}, None),
        ({"pooling_mode": "lasttoken"}, None),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, None),
        ({"pooling_mode": "mean", "include_prompt": False}, None),
    ],
)
def test_only_the_common_shape_is_run_directly(
    sentence_model: Path, pooling: dict[str, Any], understood: str | None
):
    write_json(sentence_model / "1_Pooling" / "config.json", pooling)
    layout = _network.read_layout(sentence_model)
    assert (None if layout is None else layout.pooling) == understood


def test_the_length_is_the_least_that_any_file_allows(sentence_model: Path):
    write_json(sentence_model / "sentence_bert_config.json", {"max_seq_length": 12})
    layout = _network.read_layout(sentence_model)
    assert layout is not None
    assert layout.max_tokens == 12


def test_it_is_an_encoder_and_its_dimension_is_known_before_it_is_loaded(
    plain_model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(_network, "load_network", _must_not_be_called)
    assert isinstance(encoder(plain_model), Encoder)
    assert encoder(plain_model).dimension == 16
    assert encoder(plain_model).encode_texts([]).shape == (0, 16)


def test_constructing_looks_for_nothing():
    assert TextEncoder("/nowhere/at/all").config.model == "/nowhere/at/all"


def test_empty_texts_are_zero_and_repeats_are_encoded_once(plain_model: Path, encoded: list[str]):
    vectors = encoder(plain_model).encode_texts(["desk", "", "lamp", "desk", " \n"])
    assert sorted(encoded) == ["desk", "lamp"]
    assert (vectors[0] == vectors[3]).all()
    assert not vectors[[1, 4]].any()
    assert vectors[[0, 2]].any(axis=1).all()


def test_neighbours_in_the_batch_do_not_matter(plain_model: Path):
    rng = np.random.default_rng(0)
    words = np.array(["red", "lamp", "garden", "unheard"])
    texts = [" ".join(rng.choice(words, n)) for n in rng.integers(1, 60, 300)]
    together = encoder(plain_model).encode_texts(texts)
    reader = encoder(plain_model)
    for row in range(0, 300, 30):
        alone = reader.encode_texts([texts[row]])
        np.testing.assert_allclose(together[row], alone[0], atol=2e-6)


def test_batches_hold_every_row_once_and_keep_to_the_budget():
    lengths = np.random.default_rng(1).integers(1, 40, 200)
    batches = list(like_length_batches(lengths, 64))
    assert sorted(np.concatenate(batches)) == list(range(200))
    assert all(len(rows) * lengths[rows].max() <= 64 or len(rows) == 1 for rows in batches)


def test_long_texts_are_cut(plain_model: Path):
    vectors = encoder(plain_model, max_tokens=8).encode_texts(["red " * 6, "red " * 100_000])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_half_precision_is_close(plain_model: Path):
    exact = encoder(plain_model).encode_texts(TEXTS)
    half = encoder(plain_model, precision="bf16").encode_texts(TEXTS)
    assert half.dtype == np.float32
    assert not np.array_equal(half, exact)
    cosines = (exact * half).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(half, axis=1)
    assert cosines.min() > 0.999


def test_a_second_run_loads_nothing_and_answers_the_same(
    plain_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = encoder(plain_model, cache=tmp_path).encode_texts(TEXTS)
    monkeypatch.setattr(_network, "load_network", _must_not_be_called)
    second = encoder(plain_model, cache=tmp_path).encode_texts(TEXTS[::-1])
    assert np.array_equal(second, first[::-1])


def test_only_what_is_new_is_encoded(plain_model: Path, tmp_path: Path, encoded: list[str]):
    encoder(plain_model, cache=tmp_path).encode_texts(["desk", "lamp"])
    encoded.clear()
    vectors = encoder(plain_model, cache=tmp_path).encode_texts(["lamp", "red chair", "desk"])
    assert encoded == ["red chair"]
    assert np.array_equal(
        vectors[[2, 0]], encoder(plain_model, cache=tmp_path).encode_texts(["desk", "lamp"])
    )


def test_work_that_is_cut_short_is_kept(
    plain_model: Path, tmp_path: Path, encoded: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("foretaste.content.text._CHUNK", 2)
    embed = _network.TransformerNetwork.embed

    def fails_later(self: _network.TransformerNetwork, texts: list[str]) -> Any:
        if len(encoded) == 2:
            raise KeyboardInterrupt
        return embed(self, texts)

    with monkeypatch.context() as patch:
        patch.setattr(_network.TransformerNetwork, "embed", fails_later)
        with pytest.raises(KeyboardInterrupt):
            encoder(plain_model, cache=tmp_path).encode_texts(["a", "bb", "ccc"])
    encoded.clear()
    encoder(plain_model, cache=tmp_path).encode_texts(["a", "bb", "ccc"])
    assert encoded == ["a"]


@pytest.mark.parametrize("change", [{"precision": "bf16"}, {"max_tokens": 9}])
def test_vectors_of_another_kind_are_not_taken_from_the_cache(
    plain_model: Path, tmp_path: Path, encoded: list[str], change: dict[str, Any]
):
    encoder(plain_model, cache=tmp_path).encode_texts(["desk"])
    encoder(plain_model, cache=tmp_path, **change).encode_texts(["desk"])
    assert encoded == ["desk", "desk"]


def test_the_cache_is_where_the_environment_says(
    plain_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path))
    encoder(plain_model, cache="auto").encode_texts(["desk"])
    assert len(list((tmp_path / "vectors").glob("*-fp32/*.safetensors"))) == 1


def test_items_are_read_as_their_texts(plain_model: Path):
    items = pl.DataFrame(
        {"item_id": [1, 2, 3], "title": ["Red polish", None, "Desk"], "genre": ["a", "lamp", None]}
    )
    reader = encoder(plain_model)
    with capture_logs() as lines:
        vectors = reader.encode(items)
    assert np.array_equal(vectors, reader.encode_texts(["Red polish", "", "Desk"]))
    assert {"items": 1, "of": 3}.items() <= lines[0].items()
    genres = encoder(plain_model, fields=["genre"]).encode(items)
    assert np.array_equal(genres, reader.encode_texts(["a", "lamp", ""]))


def test_the_fingerprint_tells_what_changes_vectors(plain_model: Path, sentence_model: Path):
    base = encoder(plain_model).fingerprint
    assert encoder(plain_model, precision="bf16", cache="x", progress=False).fingerprint == base
    others = [
        encoder(plain_model, fields=["title"]).fingerprint,
        encoder(plain_model, max_tokens=20).fingerprint,
        encoder(sentence_model).fingerprint,
    ]
    assert len({base, *others}) == 4


def test_settings_survive_a_round_trip():
    config = TextEncoderConfig(model="m", fields=("a", "b"), cache=Path("here"))
    assert TextEncoderConfig.parse(json.loads(config.model_dump_json())) == config
    assert TextEncoder.from_config(config).config == config
    assert TextEncoderConfig.parse({"cache": "auto"}).cache == "auto"


@pytest.mark.parametrize("wrong", [{"precison": "fp32"}, {"max_tokens": 0}, {"fields": []}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ConfigError):
        TextEncoder(**wrong)


def _cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def _other_network(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", {**config, "num_hidden_layers": 3})


def _other_size(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", {**config, "intermediate_size": 64})


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _half_a_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"hidden_size": 16,')


def _own_code(folder: Path) -> None:
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    auto = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    write_json(folder / "config.json", {"model_type": "evil", "hidden_size": 16, "auto_map": auto})


def _no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)


def _half_a_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text(encoding="utf-8")[:200], encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_cut, "can't be loaded"),
        (_other_network, r"disagree on encoder\.layer\.2"),
        (_other_size, r"disagree on encoder\.layer\.0"),
        (_no_config, "No such file"),
        (_half_a_config, "can't be read"),
        (_no_tokenizer, "tokenizer is missing"),
        (_half_a_tokenizer, "can't be loaded"),
        (_own_code, "custom code"),
    ],
)
def test_a_model_that_is_not_whole_or_not_harmless_is_refused(
    plain_model: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
):
    folder = tmp_path / "model"
    shutil.copytree(plain_model, folder)
    damage(folder)
    with pytest.raises(InputError, match=reason) as caught:
        encoder(folder).encode_texts(["desk"])
    assert str(folder) in str(caught.value)


def _must_not_be_called(*_: object, **__: object) -> Any:
    raise AssertionError("the network was loaded")


# What needs sentence-transformers, which takes seconds to import.


@pytest.mark.slow
def test_modules_with_code_of_their_own_are_refused(sentence_model: Path):
    modules = json.loads((sentence_model / "modules.json").read_text())
    modules[1]["type"] = "evil.Pooling"
    (sentence_model / "evil.py").write_text("raise SystemExit('ran')")
    modules.append({"idx": 3, "name": "3", "path": "", "type": "evil.More"})
    write_json(sentence_model / "modules.json", modules)
    with pytest.raises(InputError, match="can't be loaded"):
        encoder(sentence_model).encode_texts(["desk"])


@pytest.mark.slow
def test_any_other_shape_goes_through_sentence_transformers(plain_model: Path, tmp_path: Path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

    modules = [Transformer(str(plain_model)), Pooling(16, "max"), Dense(16, 5)]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path))
    expected = SentenceTransformer(str(tmp_path), device="cpu").encode(TEXTS)
    for precision, tolerance in (("fp32", 1e-5), ("bf16", 0.1)):
        reader = encoder(tmp_path, precision=precision)
        assert reader.dimension == 5
        np.testing.assert_allclose(reader.encode_texts(TEXTS), expected, atol=tolerance)


@pytest.mark.slow
def test_the_default_model_answers_as_in_sentence_transformers():
    from sentence_transformers import SentenceTransformer

    from foretaste.content._weights import find_model

    items = pl.read_csv(
        shared_data("amazon-beauty") / "items.tsv", separator="\t", quote_char=None, n_rows=60
    )
    texts = [*item_texts(items).to_list(), *TEXTS]
    folder = find_model("all-MiniLM-L6-v2")
    expected = SentenceTransformer(str(folder), device="cpu").encode(texts)
    exact = TextEncoder(cache=None, precision="fp32").encode_texts(texts)
    np.testing.assert_allclose(exact, expected, atol=1e-5)
    half = TextEncoder(cache=None, precision="bf16").encode_texts(texts)
    assert (half * expected).sum(axis=1).min() > 0.999


def test_texts_of_the_moment_leave_no_trace(sentence_model: Path, tmp_path: Path) -> None:
    keeping = encoder(sentence_model, cache=tmp_path / "cache")
    kept = keeping.encode_texts(["red lamp"])
    before = sorted((tmp_path / "cache").rglob("*"))
    passing = momentary(keeping)
    assert passing.fingerprint == keeping.fingerprint
    both = np.concatenate([kept, keeping.encode_texts(["blue lamp"])])
    after = sorted((tmp_path / "cache").rglob("*"))
    np.testing.assert_allclose(passing.encode_texts(["red lamp", "blue lamp"]), both, atol=1e-5)
    passing.encode_texts(["a chair"])
    assert sorted((tmp_path / "cache").rglob("*")) == after != before
