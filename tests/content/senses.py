"""Tiny vision and audio models with random weights, and files for them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

RATE = 16_000


def write_vit(folder: Path, *, pooler: bool = True) -> Path:
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = ViTConfig(**shape, intermediate_size=32, image_size=32, patch_size=16)
    _save(ViTModel, config, folder, add_pooling_layer=pooler)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(str(folder))
    return folder


def write_clip(folder: Path) -> Path:
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    config = CLIPConfig(
        text_config={**small, "vocab_size": 50},
        vision_config={**small, "image_size": 32, "patch_size": 16},
        projection_dim=12,
    )
    _save(CLIPModel, config, folder)
    size = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size=size, crop_size=size).save_pretrained(str(folder))
    return folder


def write_wav2vec2(folder: Path) -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=[8, 8],
        conv_kernel=[10, 8],
        conv_stride=[5, 4],
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    _save(Wav2Vec2Model, config, folder)
    Wav2Vec2FeatureExtractor(sampling_rate=RATE).save_pretrained(str(folder))
    return folder


def write_clap(folder: Path) -> Path:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    text = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "vocab_size": 50,
    }
    audio = {
        "hidden_size": 32,
        "patch_embeds_hidden_size": 4,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 1, 1],
    }
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=12)
    _save(ClapModel, config, folder)
    extractor = ClapFeatureExtractor(
        sampling_rate=RATE, max_length_s=1, truncation="rand_trunc", padding="repeatpad"
    )
    extractor.save_pretrained(str(folder))
    return folder


def _save(kind: type, config: object, folder: Path, **settings: object) -> None:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind(config, **settings).save_pretrained(str(folder))


def picture(colour: tuple[int, int, int], side: int = 40, form: str = "PNG") -> bytes:
    noise = np.random.default_rng(0).integers(0, 60, (side, side, 3))
    pixels = np.clip(noise + np.array(colour), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def recording(
    pitch: float, seconds: float = 0.5, *, rate: int = RATE, form: str = "WAV", channels: int = 1
) -> bytes:
    import soundfile

    time = np.arange(int(seconds * rate)) / rate
    wave = np.repeat(np.sin(2 * np.pi * pitch * time)[:, None], channels, axis=1)
    file = io.BytesIO()
    soundfile.write(file, wave.astype(np.float32), rate, format=form)
    return file.getvalue()
