"""Pretrained networks that turn texts into vectors.

The common shape (a transformer, mean or first-token pooling, perhaps unit length) is run here
directly: batches are packed by tokens, half precision is used where it pays, and importing
sentence-transformers, which takes seconds, is spared. Every other shape goes through
sentence-transformers itself.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foretaste.content._heads import remove_silent_heads
from foretaste.content._pretrained import loading_from, pretrained_model
from foretaste.content._tokens import Tokenizer, like_length_batches
from foretaste.content._weights import ONNX_FILE, is_onnx
from foretaste.errors import InputError
from foretaste.training.precision import Precision, resolve

#: Most tokens in a batch, padding included. What a processor's caches hold, measured: 8192 takes
#: a third longer. A graphics card is kept busy by more.
_BATCH_TOKENS = {"cpu": 2048, "cuda": 65536}


class Network(Protocol):
    """Texts in, vectors out."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        ...

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of texts, float32[n, dimension]."""
        ...


@dataclass(frozen=True)
class Layout:
    """The common shape of a model, as its settings files tell it.

    Attributes:
        transformer: Folder of the transformer and its tokenizer.
        pooling: How token vectors become one: their mean, or that of the first token.
        normalise: Whether the vector is scaled to unit length.
        dimension: Length of the vectors.
        max_tokens: Most tokens the model can read, special ones included.
    """

    transformer: Path
    pooling: Literal["mean", "cls"]
    normalise: bool
    dimension: int
    max_tokens: int


def read_layout(folder: Path) -> Layout | None:
    """The layout of the model in a folder; None when it is not of the common shape.

    A folder without modules.json is a plain Hugging Face model: the mean of its token vectors.

    Raises:
        InputError: A settings file is missing or is no JSON.
    """
    transformer, pooling, normalise = folder, "mean", False
    if (folder / "modules.json").is_file():
        modules = _json(folder / "modules.json")
        kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
        if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
            return None
        transformer = folder / modules[0]["path"]
        pooling = _pooling(_json(folder / modules[1]["path"] / "config.json"))
        normalise = len(kinds) == 3
    config = _json(transformer / "config.json")
    reading = _optional_json(transformer / "sentence_bert_config.json")
    prompts = _optional_json(folder / "config_sentence_transformers.json")
    unusual = (
        pooling is None
        or "hidden_size" not in config
        or config.get("is_encoder_decoder")
        or (transformer / "adapter_config.json").is_file()
        or reading.get("do_lower_case")
        or reading.get("transformer_task", "feature-extraction") != "feature-extraction"
        or prompts.get("default_prompt_name")
        or prompts.get("truncate_dim")
    )
    if unusual or pooling is None:
        return None
    limits = (
        reading.get("max_seq_length"),
        _optional_json(transformer / "tokenizer_config.json").get("model_max_length"),
        config.get("max_position_embeddings"),
    )
    known = [int(limit) for limit in limits if limit]
    return Layout(transformer, pooling, normalise, config["hidden_size"], min(known, default=512))


def _pooling(config: dict[str, Any]) -> Literal["mean", "cls"] | None:
    if config.get("include_prompt") is False:
        return None
    mode = config.get("pooling_mode")
    if mode is None:
        modes = [
            key for key, on in config.items() if key.startswith("pooling_mode_") and on is True
        ]
        mode = modes[0] if len(modes) == 1 else None
    if mode in ("mean", "pooling_mode_mean_tokens"):
        return "mean"
    return "cls" if mode in ("cls", "pooling_mode_cls_token") else None


def load_network(folder: Path, *, max_tokens: int, precision: Precision) -> Network:
    """Loads the model in a folder that `find_model` has passed.

    Args:
        folder: Of a sentence-transformers or a Hugging Face model, or what `export_onnx` wrote.
        max_tokens: Longer texts are cut; so are those longer than the model can read.
        precision: What to compute in; an ONNX model computes in what it was written in.

    Raises:
        InputError: The files are damaged, incomplete, or need code of their own.
    """
    layout = read_layout(folder)
    dtype = torch.bfloat16 if resolve(precision) == "bf16" else torch.float32
    with loading_from(folder):
        if layout is None:
            return LibraryNetwork(folder, max_tokens, dtype)
        if is_onnx(folder):
            from foretaste.content._onnx import OnnxForward

            return TransformerNetwork(layout, max_tokens, OnnxForward(folder / ONNX_FILE))
        return TransformerNetwork(layout, max_tokens, TorchForward(layout, dtype))


class Forward(Protocol):
    """Tokens in, one vector a row out."""

    @property
    def batch_tokens(self) -> int:
        """Most tokens in a batch, padding included."""
        ...

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Vectors of rows of tokens, float32[n, dimension]; the mask is false on padding."""
        ...


class TransformerNetwork:
    """A transformer with pooling, run in batches of like length.

    The same text among other neighbours gets the same vector up to rounding: about 1e-6 in each
    coordinate of a unit vector in fp32, a cosine above 0.9999 in bf16.
    """

    def __init__(self, layout: Layout, max_tokens: int, forward: Forward) -> None:
        self.dimension = layout.dimension
        self._forward = forward
        self._tokenizer = Tokenizer(layout.transformer, min(max_tokens, layout.max_tokens))

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of texts, float32[n, dimension]."""
        tokens = self._tokenizer(texts)
        lengths = np.array([len(row) for row in tokens])
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for rows in like_length_batches(lengths, self._forward.batch_tokens):
            vectors[rows] = self._forward(*self._tokenizer.padded([tokens[row] for row in rows]))
        return vectors


class TorchForward:
    """The network of a folder, in torch."""

    def __init__(self, layout: Layout, dtype: torch.dtype) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = load_pooled(layout, dtype).to(self._device)
        self.batch_tokens = _BATCH_TOKENS[self._device.type]

    @torch.inference_mode()
    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Vectors of rows of tokens, float32[n, dimension]."""
        given = (torch.from_numpy(array).to(self._device) for array in (ids, mask))
        return self._network(*given).cpu().numpy()


class Pooled(nn.Module):
    """A transformer and how its token vectors become one vector."""

    def __init__(self, transformer: nn.Module, layout: Layout) -> None:
        super().__init__()
        self.transformer = transformer
        self._first = layout.pooling == "cls"
        self._normalise = layout.normalise

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors float32[n, dimension] of tokens int64[n, length] where the mask is not 0."""
        hidden = self.transformer(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        if self._first:
            vectors = hidden[:, 0].float()
        else:
            kept = mask.unsqueeze(-1).float()
            vectors = (hidden.float() * kept).sum(dim=1) / kept.sum(dim=1).clamp_min(1e-9)
        return nn.functional.normalize(vectors, dim=1) if self._normalise else vectors


def load_pooled(layout: Layout, dtype: torch.dtype = torch.float32) -> Pooled:
    """The network of a folder, in evaluation mode; heads that were pruned are taken out.

    Raises:
        ValueError: The weights are not those of the network that config.json describes.
    """
    transformer, _ = pretrained_model(layout.transformer, dtype)
    remove_silent_heads(transformer)
    return Pooled(transformer, layout)


class LibraryNetwork:
    """Any other model that sentence-transformers itself can load without foreign code."""

    def __init__(self, folder: Path, max_tokens: int, dtype: torch.dtype) -> None:
        from sentence_transformers import SentenceTransformer

        self._lock = threading.Lock()
        self._model = SentenceTransformer(
            str(folder),
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        ).to(dtype)
        own = self._model.get_max_seq_length()
        if own is not None:
            self._model.max_seq_length = int(min(own, max_tokens))

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(self._model.get_embedding_dimension() or 0)

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of texts, float32[n, dimension]."""
        with self._lock:
            vectors = self._model.encode(texts, convert_to_tensor=True, show_progress_bar=False)
        return vectors.float().cpu().numpy()


def _optional_json(path: Path) -> dict[str, Any]:
    return _json(path) if path.is_file() else {}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"this part of the model can't be read: {error}.",
            file=path,
            field="model",
            hint="Give the folder of a whole Hugging Face or sentence-transformers model.",
        ) from None
