"""The text encoder: the words of an item as a vector, from a pretrained language model."""

from __future__ import annotations

import copy
import hashlib
import time
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl
import structlog
from numpy.typing import NDArray
from pydantic import Field

from foretaste.config import Config
from foretaste.content._cache import Keys, VectorCache, default_folder, text_keys
from foretaste.content._weights import find_model, fingerprint_files
from foretaste.content.base import Encoder
from foretaste.content.item_text import item_texts
from foretaste.progress import progress_bar

if TYPE_CHECKING:
    from foretaste.content._network import Layout, Network

_log = structlog.get_logger(__name__)

#: Texts that are encoded, and kept in the cache, at a time.
_CHUNK: Final = 4096

#: From so many texts on, it takes long enough to show a bar.
_LONG: Final = 1024


class TextEncoderConfig(Config):
    """Settings of the text encoder.

    Attributes:
        model: A name that a package carries (all-MiniLM-L6-v2), the path of a sentence-transformers
            or Hugging Face model, or a name on the Hugging Face hub.
        fields: Item columns that are read, in this order; None takes those of title, brand,
            categories and description that are there.
        max_tokens: Longer texts are cut; so are those longer than the model can read.
        precision: bf16 is about three times as fast where the processor has it, and its vectors
            have a cosine above 0.999 with those of fp32; "auto" takes it where it is there.
        cache: Folder in which vectors are kept, null to keep none; "auto" is below
            $FORETASTE_CACHE, or the user's cache folder.
        progress: Show a bar when it takes long and a person is looking.
    """

    model: str = "all-MiniLM-L6-v2"
    fields: tuple[str, ...] | None = Field(default=None, min_length=1)
    max_tokens: int = Field(default=256, ge=8)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    cache: Literal["auto"] | Path | None = "auto"
    progress: bool = True


class TextEncoder:
    """Encodes texts with a pretrained model; it is loaded when first needed.

    A text is encoded once: repeats share a vector, and vectors are kept on disk for the next run.

    Example:
        >>> TextEncoder().encode_texts(["red nail polish"]).shape
        (1, 384)
    """

    def __init__(self, model: str | None = None, **settings: Any) -> None:
        """Takes the model and the other settings of `TextEncoderConfig` by keyword.

        Raises:
            ConfigError: A setting is unknown or does not fit.
        """
        if model is not None:
            settings["model"] = model
        self.config = TextEncoderConfig.parse(settings)

    @classmethod
    def from_config(cls, config: TextEncoderConfig) -> TextEncoder:
        """The encoder that a configuration describes."""
        return cls(**config.model_dump())

    def without_cache(self) -> TextEncoder:
        """The same encoder, which neither looks its vectors up on disk nor keeps them there.

        It is for texts of the moment, such as queries: each would be a file of its own.
        """
        other = copy.copy(self)
        other.config = self.config.model_copy(update={"cache": None})
        other.__dict__.pop("_cache", None)
        return other

    def warm_up(self) -> None:
        """Loads the network now, so that whoever asks first does not wait for it.

        Raises:
            InputError: The model can't be found or loaded.
        """
        _ = self._network

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the model's files and of the settings that change vectors.

        The precision is not among them: it changes a vector by less than matters to a model that
        was fitted on them.
        """
        return _sha256(self._model_fingerprint, self.config.fields)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._network.dimension if self._layout is None else self._layout.dimension

    def encode(self, items: pl.DataFrame) -> NDArray[np.float32]:
        """Vectors of a table of items, float32[rows, dimension].

        An item without text gets a zero vector; how many there are is logged.

        Raises:
            DataError: A field is missing from the table, or it has no text columns at all.
            InputError: The model can't be found or loaded.
        """
        texts = item_texts(items, self.config.fields)
        silent = int((texts == "").sum())
        if silent:
            _log.info("items without text have zero vectors", items=silent, of=len(texts))
        return self._encode(texts)

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of texts as they are, float32[n, dimension]; zero for an empty text.

        Raises:
            InputError: The model can't be found or loaded.
        """
        return self._encode(pl.Series("text", texts, dtype=pl.String))

    def _encode(self, texts: pl.Series) -> NDArray[np.float32]:
        filled = texts.str.strip_chars() != ""
        distinct = texts.filter(filled).unique(maintain_order=True)
        vectors = self._vectors(distinct)
        # Row 0 is that of empty texts.
        numbered = distinct.to_frame().with_row_index("row", offset=1)
        rows = texts.to_frame().join(numbered, on="text", how="left", maintain_order="left")
        table = np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors])
        return table[rows["row"].fill_null(0).to_numpy()]

    def _vectors(self, texts: pl.Series) -> NDArray[np.float32]:
        """Vectors of distinct texts, from the cache or else from the network."""
        if texts.is_empty():
            return np.empty((0, self.dimension), np.float32)
        keys = text_keys(texts)
        known, found = self._cache.read(keys)
        missing = np.setdiff1d(np.arange(len(texts)), known)
        # With everything found the network is not even loaded.
        width = self.dimension if len(missing) else found.shape[1]
        vectors = np.empty((len(texts), width), np.float32)
        if len(known):
            vectors[known] = found
        if len(missing):
            self._embed(texts, keys, missing, vectors)
        return vectors

    def _embed(
        self, texts: pl.Series, keys: Keys, rows: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        """Fills the given rows of `vectors`, and the cache with them, chunk by chunk."""
        network = self._network
        began = time.perf_counter()
        # Longest first: texts of like length share a batch, and memory is highest at the start.
        lengths = texts.str.len_chars().to_numpy().astype(np.int64)
        rows = rows[np.argsort(-lengths[rows], kind="stable")]
        shown = self.config.progress and len(rows) >= _LONG
        with progress_bar("Encoding texts", len(rows)) if shown else nullcontext() as bar:
            for start in range(0, len(rows), _CHUNK):
                chunk = rows[start : start + _CHUNK]
                vectors[chunk] = network.embed(texts.gather(chunk).to_list())
                self._cache.write(keys[chunk], vectors[chunk])
                if bar is not None:
                    bar.advance(steps=len(chunk))
        seconds = round(time.perf_counter() - began, 3)
        _log.info("texts encoded", texts=len(rows), cached=len(texts) - len(rows), seconds=seconds)

    @cached_property
    def _folder(self) -> Path:
        return find_model(self.config.model)

    @cached_property
    def _layout(self) -> Layout | None:
        from foretaste.content._network import read_layout

        return read_layout(self._folder)

    @cached_property
    def _network(self) -> Network:
        from foretaste.content._network import load_network

        return load_network(
            self._folder, max_tokens=self.config.max_tokens, precision=self.config.precision
        )

    @cached_property
    def _cache(self) -> VectorCache:
        from foretaste.training.precision import resolve

        if self.config.cache is None:
            return VectorCache(None)
        folder = default_folder() if self.config.cache == "auto" else self.config.cache
        precision = resolve(self.config.precision)
        return VectorCache(Path(folder) / f"{self._model_fingerprint}-{precision}")

    @cached_property
    def _model_fingerprint(self) -> str:
        return _sha256(fingerprint_files(self._folder), self.config.max_tokens)


def momentary(encoder: Encoder) -> Encoder:
    """The same encoder, without a cache on disk where it has one."""
    return encoder.without_cache() if isinstance(encoder, TextEncoder) else encoder


def _sha256(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
