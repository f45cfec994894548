from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from foretaste.content import TextEncoder
from foretaste.content._network import load_pooled, read_layout
from foretaste.content.compression import (
    DistillationConfig,
    distil,
    export_onnx,
    prune_heads,
    prune_neurons,
)
from foretaste.content.compression._folder import source_layout
from foretaste.errors import ConfigError, DataError, InputError
from foretaste.training import TrainingConfig
from tests.content.conftest import WORDS, write_json

TEXTS = ["red nail polish", "the garden chair , a blue lamp .", "desk", "x " * 400]


def vectors_of(model: Path | str, texts: list[str] = TEXTS) -> np.ndarray:
    return TextEncoder(str(model), cache=None, precision="fp32").encode_texts(texts)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def onnx_model(plain_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(str(plain_model), tmp_path_factory.mktemp("onnx") / "exact")


def test_an_onnx_graph_gives_the_same_vectors(plain_model: Path, onnx_model: Path):
    assert not list(onnx_model.rglob("*.safetensors"))
    np.testing.assert_allclose(vectors_of(onnx_model), vectors_of(plain_model), atol=1e-5)
    assert vectors_of(onnx_model, ["a"]).shape == (1, 16)


def test_pooling_and_scaling_are_part_of_the_graph(sentence_model: Path, tmp_path: Path):
    graph = export_onnx(str(sentence_model), tmp_path / "graph")
    np.testing.assert_allclose(vectors_of(graph), vectors_of(sentence_model), atol=1e-5)


def test_beside_weights_a_graph_of_others_is_passed_over(plain_model: Path, tmp_path: Path):
    import shutil

    both = tmp_path / "both"
    shutil.copytree(plain_model, both)
    (both / "model.onnx").write_bytes(b"of another library")
    np.testing.assert_array_equal(vectors_of(both), vectors_of(plain_model))


def test_int8_is_smaller_and_close(plain_model: Path, onnx_model: Path, tmp_path: Path):
    small = export_onnx(str(plain_model), tmp_path / "int8", int8=True)
    assert (small / "model.onnx").stat().st_size < (onnx_model / "model.onnx").stat().st_size
    assert cosines(vectors_of(small), vectors_of(plain_model)).min() > 0.97
    fingerprints = {TextEncoder(str(m)).fingerprint for m in (small, onnx_model, plain_model)}
    assert len(fingerprints) == 3


def test_a_damaged_or_foreign_graph_is_refused(onnx_model: Path, tmp_path: Path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(onnx_model, broken)
    (broken / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match="no ONNX graph"):
        vectors_of(broken)
    with pytest.raises(InputError, match="safetensors"):
        export_onnx(str(onnx_model), tmp_path / "again")


def test_fewer_neurons_make_a_smaller_model_of_the_same_kind(plain_model: Path, tmp_path: Path):
    pruned = prune_neurons(str(plain_model), tmp_path / "pruned", 0.25)
    assert json.loads((pruned / "config.json").read_text())["intermediate_size"] == 24
    assert size_of(pruned) < size_of(plain_model)
    near = cosines(vectors_of(pruned), vectors_of(plain_model)).mean()
    far = cosines(
        vectors_of(prune_neurons(str(plain_model), tmp_path / "more", 0.9)),
        vectors_of(plain_model),
    ).mean()
    assert near > far
    assert near > 0.9
    same = prune_neurons(str(plain_model), tmp_path / "same", 0.0)
    np.testing.assert_allclose(vectors_of(same), vectors_of(plain_model), atol=1e-6)


def test_silenced_heads_are_gone_once_loaded_and_every_layer_keeps_one(
    plain_model: Path, tmp_path: Path
):
    pruned = prune_heads(str(plain_model), tmp_path / "pruned", 0.9)
    layout = read_layout(pruned)
    assert layout is not None
    for layer in load_pooled(layout).transformer.encoder.layer:
        assert layer.attention.self.query.weight.shape == (8, 16)
        assert layer.attention.output.dense.weight.shape == (16, 8)


def test_taking_silenced_heads_out_changes_nothing(
    plain_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from foretaste.content import _network

    pruned = prune_heads(str(plain_model), tmp_path / "pruned", 0.5)
    without = vectors_of(pruned)
    graph = vectors_of(export_onnx(str(pruned), tmp_path / "graph"))
    monkeypatch.setattr(_network, "remove_silent_heads", lambda _: None)
    np.testing.assert_allclose(without, vectors_of(pruned), atol=1e-5)
    np.testing.assert_allclose(without, graph, atol=1e-5)
    assert not np.allclose(without, vectors_of(plain_model), atol=1e-3)


def test_shares_out_of_range_and_folders_in_the_way(plain_model: Path, tmp_path: Path):
    for prune in (prune_heads, prune_neurons):
        with pytest.raises(ConfigError, match="share"):
            prune(str(plain_model), tmp_path / "new", 1.0)
        with pytest.raises(InputError, match="exists already"):
            prune(str(plain_model), tmp_path, 0.5)
    assert not list(tmp_path.iterdir())


def sentences(count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(count)]


def test_a_student_comes_close_to_its_teacher(sentence_model: Path, tmp_path: Path):
    training = TrainingConfig(
        epochs=8, batch_tokens=512, learning_rate=3e-3, warmup_steps=5, average=0, precision="fp32"
    )
    config = DistillationConfig(layers=1, training=training)
    history = distil(str(sentence_model), sentences(300), tmp_path / "student", config)
    student = tmp_path / "student"
    assert json.loads((student / "config.json").read_text())["num_hidden_layers"] == 1
    assert (student / "modules.json").is_file()
    new = sentences(400)[300:]
    taught = cosines(vectors_of(student, new), vectors_of(sentence_model, new)).mean()
    untaught = history.epochs[0].metric
    assert untaught is not None
    assert taught > 0.9
    assert taught > untaught


def test_the_same_seed_gives_the_same_student(sentence_model: Path, tmp_path: Path):
    training = TrainingConfig(epochs=1, batch_tokens=512)
    config = DistillationConfig(layers=1, training=training)
    for name in ("one", "two"):
        distil(str(sentence_model), sentences(60), tmp_path / name, config)
    one, two = (tmp_path / name / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_what_cannot_be_taught(plain_model: Path, tmp_path: Path):
    with pytest.raises(DataError, match="distinct texts"):
        distil(str(plain_model), ["lamp"] * 100, tmp_path / "student")
    with pytest.raises(InputError, match="It has 2"):
        distil(str(plain_model), sentences(60), tmp_path / "student", DistillationConfig(layers=3))


def test_other_shapes_are_refused(sentence_model: Path):
    write_json(sentence_model / "1_Pooling" / "config.json", {"pooling_mode": "lasttoken"})
    with pytest.raises(InputError, match="can be compressed"):
        source_layout(str(sentence_model))
