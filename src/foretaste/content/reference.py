"""The encoder behind a model's vectors: kept as settings, built when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.content.base import Encoder
from foretaste.content.text import TextEncoder, TextEncoderConfig
from foretaste.errors import InputError

_FINGERPRINT: Final = "content.fingerprint"


class ContentReference:
    """What a model knows of its encoder, so that a loaded model can read new items.

    A model is saved with the encoder's settings and fingerprint, never with its weights. The
    encoder is built from the settings at the first new item, and must then have the fingerprint
    of the one the model was fitted with. An encoder of one's own can't be described by settings:
    after loading, hand it over by setting `encoder`.

    Args:
        settings: Of a text encoder; None where there is none.
        encoder: Takes the place of the one that `settings` describe.

    Attributes:
        settings: What the model's configuration should hold; None for an encoder of one's own.
    """

    def __init__(self, settings: TextEncoderConfig | None, encoder: Encoder | None = None) -> None:
        self.settings = settings
        self._fingerprint: str | None = None
        self._encoder: Encoder | None = None
        if encoder is not None:
            self.encoder = encoder

    @property
    def encoder(self) -> Encoder | None:
        """The encoder, built when first asked for; None where the model reads no content."""
        if self._encoder is None and self.settings is not None:
            self._encoder = TextEncoder.from_config(self.settings)
        return self._encoder

    @encoder.setter
    def encoder(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.settings = encoder.config if isinstance(encoder, TextEncoder) else None

    @property
    def fingerprint(self) -> str | None:
        """Of the encoder that the model was fitted with; None before, and without one."""
        return self._fingerprint

    def fit(self, items: pl.DataFrame) -> NDArray[np.float32]:
        """Vectors of the items a model is fitted on, float32[rows, dimension].

        Raises:
            InputError: There is no encoder, or it can't read these items.
        """
        encoder = self._needed()
        vectors = encoder.encode(items)
        self._fingerprint = encoder.fingerprint
        return vectors

    def encode(self, items: pl.DataFrame) -> NDArray[np.float32]:
        """Vectors of items that come later, comparable with those of `fit`.

        Raises:
            InputError: There is no encoder, it can't read these items, or it is not the one the
                model was fitted with.
        """
        encoder = self._needed()
        if encoder.fingerprint != self._fingerprint:
            raise InputError(
                "the encoder is not the one this model was fitted with, so its vectors can't be "
                "compared.",
                field="content",
                hint="Bring back that version of the encoder's model, or fit again.",
            )
        return encoder.encode(items)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What a model's state must hold besides `settings`; empty before `fit`."""
        if self._fingerprint is None:
            return {}
        return {_FINGERPRINT: np.frombuffer(self._fingerprint.encode(), np.uint8)}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes back what `tensors` gave."""
        kept = tensors.get(_FINGERPRINT)
        self._fingerprint = None if kept is None else kept.astype(np.uint8).tobytes().decode()

    def _needed(self) -> Encoder:
        if self.encoder is None:
            raise InputError(
                "this model has no encoder to read items with.",
                field="content",
                hint="Give one: Model(content=...), or after loading: model.content.encoder = ...",
            )
        return self.encoder
