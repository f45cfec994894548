"""Pretrained networks that turn pictures and sound into vectors, through transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from foretaste.content._pretrained import loading_from, pretrained_model
from foretaste.content._recorded import open_picture, open_recording

Vectors = NDArray[np.float32]

#: Pictures that go through the network together.
_BATCH: Final = 32

#: Shorter recordings are filled up with silence: some networks can't hear less.
_LEAST_SECONDS: Final = 0.1

_SETTINGS: Final = ("preprocessor_config.json", "processor_config.json")


class ImageNetwork:
    """A vision model: what it takes for the picture, in this order.

    Its own features where it has some (CLIP); the output of its pooler, if that came with
    weights; the mean over its patches.

    Args:
        folder: With config.json, model.safetensors and preprocessor_config.json.
        most_megapixels: Larger pictures are not decoded.

    Raises:
        InputError: A file is missing or damaged, or the files disagree.
    """

    def __init__(self, folder: Path, most_megapixels: float) -> None:
        from transformers import AutoImageProcessor

        self._most_megapixels = most_megapixels
        with loading_from(folder):
            _require_preprocessor(folder)
            self._processor = AutoImageProcessor.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            self._model, self._has_pooler = pretrained_model(folder, torch.float32)
            blank = self._pixels(np.zeros((8, 8, 3), np.uint8))
            # Configurations have many names for it.
            self.dimension = self.embed([blank]).shape[1]

    def prepare(self, content: bytes) -> Vectors:
        """The pixels the network takes, float32[channels, height, width].

        Raises:
            UnreadableError: As in `open_picture`.
        """
        return self._pixels(np.asarray(open_picture(content, self._most_megapixels)))

    def embed(self, prepared: list[Vectors]) -> Vectors:
        """Vectors, float32[n, dimension]."""
        batches = [prepared[at : at + _BATCH] for at in range(0, len(prepared), _BATCH)]
        return np.concatenate([self._embed(np.stack(batch)) for batch in batches])

    def _pixels(self, picture: NDArray[np.uint8]) -> Vectors:
        found = self._processor(picture, return_tensors="np", input_data_format="channels_last")
        return np.asarray(found["pixel_values"][0], np.float32)

    @torch.inference_mode()
    def _embed(self, pixels: Vectors) -> Vectors:
        given = {"pixel_values": torch.from_numpy(pixels)}
        features = getattr(self._model, "get_image_features", None)
        return _vectors(self._model, features, given, pooled=self._has_pooler)


class AudioNetwork:
    """An audio model, asked as `ImageNetwork` asks a vision model.

    Recordings go through one by one: silence that fills up a batch would change what is heard.

    Args:
        folder: With config.json, model.safetensors and preprocessor_config.json.
        most_seconds: So much of a recording is heard.

    Raises:
        InputError: A file is missing or damaged, or the files disagree.
    """

    def __init__(self, folder: Path, most_seconds: float) -> None:
        from transformers import AutoFeatureExtractor

        self._most_seconds = most_seconds
        with loading_from(folder):
            _require_preprocessor(folder)
            self._extractor = AutoFeatureExtractor.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            self._model, self._has_pooler = pretrained_model(folder, torch.float32)
            silence = np.zeros(self._extractor.sampling_rate, np.float32)
            self.dimension = self.embed([silence]).shape[1]

    def prepare(self, content: bytes) -> Vectors:
        """Sound at the rate of the network, float32[samples].

        Raises:
            UnreadableError: As in `open_recording`.
        """
        rate = self._extractor.sampling_rate
        # Of longer ones, some extractors take a part at random.
        own = getattr(self._extractor, "nb_max_samples", None)
        most = self._most_seconds if own is None else min(self._most_seconds, own / rate)
        sound = open_recording(content, rate, most)
        return np.pad(sound, (0, max(0, int(_LEAST_SECONDS * rate) - len(sound))))

    def embed(self, prepared: list[Vectors]) -> Vectors:
        """Vectors, float32[n, dimension]."""
        return np.concatenate([self._embed(sound) for sound in prepared])

    @torch.inference_mode()
    def _embed(self, sound: Vectors) -> Vectors:
        rate = self._extractor.sampling_rate
        given = self._extractor(sound, sampling_rate=rate, return_tensors="pt")
        features = getattr(self._model, "get_audio_features", None)
        return _vectors(self._model, features, dict(given), pooled=self._has_pooler)


def _vectors(
    model: Any, features: Callable[..., Any] | None, given: dict[str, Any], *, pooled: bool
) -> Vectors:
    """One vector for each thing given, float32[n, dimension]."""
    said: Any = model(**given) if features is None else features(**given)
    vector = getattr(said, "pooler_output", None if features is None else said)
    if vector is None or not (pooled or features is not None):
        hidden: torch.Tensor = getattr(said, "last_hidden_state")  # noqa: B009
        # float[n, positions, d], or of convolutions float[n, d, height, width].
        vector = hidden.mean(1) if hidden.ndim == 3 else hidden.mean((2, 3))
    return vector.flatten(1).float().numpy()


def _require_preprocessor(folder: Path) -> None:
    for name in _SETTINGS:
        if (folder / name).is_file():
            json.loads((folder / name).read_text(encoding="utf-8"))
            return
    raise ValueError(f"its preprocessor is missing ({_SETTINGS[0]})")
