from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from structlog.testing import capture_logs

from foretaste.content import AudioEncoder, Encoder, ImageEncoder
from foretaste.errors import ConfigError, DataError, InputError
from tests.content.conftest import write_json
from tests.content.senses import (
    RATE,
    picture,
    recording,
    write_clap,
    write_clip,
    write_vit,
    write_wav2vec2,
)

RED, BLUE = (200, 0, 0), (0, 0, 200)


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vit(tmp_path_factory.mktemp("vit"))


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav2vec2(tmp_path_factory.mktemp("wav2vec2"))


def encode_images(model: Path, folder: Path, names: list[str | None], **settings: object):
    encoder = ImageEncoder(str(model), folder=folder, cache=None, **settings)
    return encoder.encode(pl.DataFrame({"image": names}, schema={"image": pl.String}))


def encode_sounds(model: Path, folder: Path, names: list[str | None], **settings: object):
    encoder = AudioEncoder(str(model), folder=folder, cache=None, **settings)
    return encoder.encode(pl.DataFrame({"audio": names}, schema={"audio": pl.String}))


@pytest.mark.parametrize("write", [write_vit, write_clip])
def test_pictures_become_vectors_whatever_the_model(write: Callable[[Path], Path], tmp_path: Path):
    model = write(tmp_path / "model")
    for name, colour in {"red.png": RED, "again.png": RED, "blue.png": BLUE}.items():
        (tmp_path / name).write_bytes(picture(colour))
    names = ["red.png", "blue.png", None, "again.png", "red.png"]
    vectors = encode_images(model, tmp_path, names)
    encoder = ImageEncoder(str(model))
    assert isinstance(encoder, Encoder)
    assert vectors.shape == (5, encoder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[0], vectors[3], atol=1e-6)
    assert (vectors[0] == vectors[4]).all()
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)
    assert not vectors[2].any()


def test_a_vision_model_without_a_pooler_gives_the_mean_over_patches(tmp_path: Path):
    import torch
    from transformers import ViTImageProcessorPil, ViTModel

    model = write_vit(tmp_path / "model", pooler=False)
    (tmp_path / "red.png").write_bytes(picture(RED, side=32))
    [vector] = encode_images(model, tmp_path, ["red.png"])
    from PIL import Image

    pixels = ViTImageProcessorPil.from_pretrained(str(model))(
        Image.open(tmp_path / "red.png"), return_tensors="pt"
    )
    with torch.inference_mode():
        network = ViTModel.from_pretrained(str(model), add_pooling_layer=False).eval()
        hidden = network(**pixels).last_hidden_state[0]
    np.testing.assert_allclose(vector, hidden.mean(0).numpy(), atol=1e-5)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "GIF", "BMP"])
def test_other_formats_are_read(vit: Path, tmp_path: Path, form: str):
    (tmp_path / "file").write_bytes(picture(RED, form=form))
    assert encode_images(vit, tmp_path, ["file"]).any()


def test_pictures_that_cannot_be_used_are_counted_and_zero(vit: Path, tmp_path: Path):
    whole = picture(RED, side=200, form="JPEG")
    home = tmp_path / "shop"
    home.mkdir()
    (tmp_path / "secret.png").write_bytes(picture(RED))
    files = {
        "good.jpg": whole,
        "cut.jpg": whole[: len(whole) // 2],
        "cut-too.jpg": whole[: len(whole) // 3],
        "text.jpg": b"not a picture at all",
        "drawing.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "empty.png": b"",
        "huge.png": picture(BLUE, side=1200, form="PNG"),
        "heavy.bmp": picture(BLUE, side=700, form="BMP"),
    }
    for name, content in files.items():
        (home / name).write_bytes(content)
    names = [*files, "gone.png", "../secret.png", "a\0b"]
    with capture_logs() as logs:
        vectors = encode_images(vit, home, names, most_megapixels=1.0, most_mib=4.5)
        heavy = encode_images(vit, home, ["heavy.bmp"], most_mib=1.0)
    assert [name for name, v in zip(names, vectors, strict=True) if v.any()] == [
        "good.jpg",
        "heavy.bmp",
    ]
    assert not heavy.any()
    assert logs[0]["files"] == 9
    assert logs[0]["of"] == 11
    assert logs[0]["reasons"] == {
        "damaged or cut short": 2,
        "no picture of a known format": 2,
        "no such file": 2,
        "empty": 1,
        "more than 1 megapixels": 1,
        "outside the folder": 1,
    }
    assert logs[1]["reasons"] == {"larger than 1 MiB": 1}


def test_too_many_pixels_are_refused_before_anything_is_decoded(
    vit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Pillow decodes nothing at opening; a bomb must be refused before `load`."""
    from PIL import ImageFile

    def load(self: object) -> None:
        raise AssertionError("decoded")

    (tmp_path / "huge.png").write_bytes(picture(RED, side=300))
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    assert not encode_images(vit, tmp_path, ["huge.png"], most_megapixels=0.01).any()


def test_a_file_is_encoded_once_for_all_times(vit: Path, tmp_path: Path, monkeypatch):
    from foretaste.content._senses import ImageNetwork

    (tmp_path / "red.png").write_bytes(picture(RED))
    items = pl.DataFrame({"image": ["red.png"]})
    cache = tmp_path / "cache"
    first = ImageEncoder(str(vit), folder=tmp_path, cache=cache).encode(items)
    monkeypatch.setattr(ImageNetwork, "prepare", lambda *_: pytest.fail("prepared again"))
    (tmp_path / "copy.png").write_bytes(picture(RED))
    again = ImageEncoder(str(vit), folder=tmp_path, cache=cache).encode(
        pl.DataFrame({"image": ["copy.png"]})
    )
    assert (first == again).all()


@pytest.mark.parametrize("write", [write_wav2vec2, write_clap])
def test_sounds_become_vectors_whatever_the_model(write: Callable[[Path], Path], tmp_path: Path):
    model = write(tmp_path / "model")
    (tmp_path / "low.wav").write_bytes(recording(200))
    (tmp_path / "high.wav").write_bytes(recording(4000))
    vectors = encode_sounds(model, tmp_path, ["low.wav", None, "high.wav"])
    encoder = AudioEncoder(str(model))
    assert isinstance(encoder, Encoder)
    assert vectors.shape == (3, encoder.dimension)
    assert not vectors[1].any()
    assert not np.allclose(vectors[0], vectors[2], atol=1e-4)


def test_rate_channels_and_format_of_a_recording_matter_little(wav2vec2: Path, tmp_path: Path):
    (tmp_path / "plain").write_bytes(recording(300))
    (tmp_path / "stereo").write_bytes(recording(300, channels=2))
    (tmp_path / "flac").write_bytes(recording(300, form="FLAC"))
    (tmp_path / "fast").write_bytes(recording(300, rate=2 * RATE))
    plain, stereo, flac, fast = encode_sounds(
        wav2vec2, tmp_path, ["plain", "stereo", "flac", "fast"]
    )
    np.testing.assert_allclose(stereo, plain, atol=1e-4)
    np.testing.assert_allclose(flac, plain, atol=1e-2)
    assert plain @ fast / np.linalg.norm(plain) / np.linalg.norm(fast) > 0.99


def test_only_the_start_of_a_long_recording_is_heard(wav2vec2: Path, tmp_path: Path):
    (tmp_path / "long").write_bytes(recording(300, seconds=2))
    (tmp_path / "short").write_bytes(recording(300, seconds=0.5))
    long, short = encode_sounds(wav2vec2, tmp_path, ["long", "short"], most_seconds=0.5)
    np.testing.assert_allclose(long, short, atol=1e-4)


def test_recordings_that_cannot_be_used_are_counted_and_zero(wav2vec2: Path, tmp_path: Path):
    whole = recording(300)
    files = {
        "good.wav": whole,
        "tiny.wav": recording(300, seconds=0.001),
        "silent.wav": recording(300, seconds=0),
        "cut.wav": whole[: len(whole) // 2],
        "cut.flac": recording(300, seconds=2, form="FLAC")[:60],
        "text.wav": b"la la la",
        "empty.wav": b"",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with capture_logs() as logs:
        vectors = encode_sounds(wav2vec2, tmp_path, list(files))
    assert vectors.any(axis=1).tolist() == [True, True, False, False, False, False, False]
    [told] = logs
    assert told["files"] == 5
    assert told["reasons"]["without any sound"] >= 1
    assert told["reasons"]["damaged or cut short"] >= 1
    assert told["reasons"]["empty"] == 1


def test_no_column_is_an_error_that_names_those_there_are(vit: Path):
    with pytest.raises(DataError, match="found: title"):
        ImageEncoder(str(vit)).encode(pl.DataFrame({"title": ["lamp"]}))
    with pytest.raises(ConfigError, match="folder"):
        ImageEncoder(str(vit), foldr=".")


def test_a_table_without_rows_or_files(vit: Path, tmp_path: Path):
    assert encode_images(vit, tmp_path, []).shape == (0, 16)
    assert not encode_images(vit, tmp_path, [None, " "]).any()


def test_a_folder_without_preprocessor_or_weights_is_refused(tmp_path: Path):
    model = write_vit(tmp_path / "model")
    items = pl.DataFrame({"image": ["x"]})
    (model / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match="preprocessor is missing"):
        ImageEncoder(str(model), cache=None).encode(items)
    (model / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no weights"):
        ImageEncoder(str(model), cache=None).encode(items)


def test_a_changed_hidden_size_is_refused(tmp_path: Path):
    import json

    model = write_vit(tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    write_json(model / "config.json", {**config, "hidden_size": 32})
    with pytest.raises(InputError, match="disagree"):
        ImageEncoder(str(model), cache=None).encode(pl.DataFrame({"image": ["x"]}))


def test_the_fingerprint_tells_models_and_columns_apart(vit: Path, tmp_path: Path):
    other = write_clip(tmp_path / "clip")
    prints = {
        ImageEncoder(str(vit)).fingerprint,
        ImageEncoder(str(other)).fingerprint,
        ImageEncoder(str(vit), column="photo").fingerprint,
    }
    assert len(prints) == 3
    assert ImageEncoder(str(vit), folder=tmp_path).fingerprint in prints
