"""Pretrained networks that turn texts into vectors.

The common shape (a transformer, mean or first-token pooling, perhaps unit length) is run here
directly: batches are packed by tokens, half precision is used where it pays, and importing
sentence-transformers, which takes seconds, is spared. Every other shape goes through
sentence-transformers itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from foretaste.errors import InputError, MissingExtraError
from foretaste.training.precision import Precision, resolve

#: Most tokens in a batch, padding included. What a processor's caches hold, measured: 8192 takes
#: a third longer. A graphics card is kept busy by more.
_BATCH_TOKENS = {"cpu": 2048, "cuda": 65536}

#: Folder beside a transformer that holds its prefix, as `peft` writes it.
ADAPTER = "adapter"

#: No tokenizer makes a token of more characters than this, but for words it doesn't know.
CHARACTERS_A_TOKEN = 64


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
        folder: Of a sentence-transformers or a Hugging Face model.
        max_tokens: Longer texts are cut; so are those longer than the model can read.
        precision: What to compute in.

    Raises:
        InputError: The files are damaged, incomplete, or need code of their own.
    """
    layout = read_layout(folder)
    dtype = torch.bfloat16 if resolve(precision) == "bf16" else torch.float32
    try:
        with quiet():
            if layout is None:
                return LibraryNetwork(folder, max_tokens, dtype)
            return TransformerNetwork(layout, max_tokens, dtype)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"the model can't be loaded: {str(error).strip().partition(chr(10))[0].rstrip('. ')}.",
            file=folder,
            field="model",
            hint="Give the whole folder of a model that needs no code of its own.",
        ) from error


class TransformerNetwork:
    """A transformer with pooling, run in batches of like length.

    The same text among other neighbours gets the same vector up to rounding: about 1e-6 in each
    coordinate of a unit vector in fp32, a cosine above 0.9999 in bf16.
    """

    def __init__(self, layout: Layout, max_tokens: int, dtype: torch.dtype) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.dimension = layout.dimension
        self._layout = layout
        self._max_tokens = min(max_tokens, layout.max_tokens)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._lock = threading.Lock()  # Tokenizers keep their settings for a call in themselves.
        folder = str(layout.transformer)
        require_tokenizer(layout.transformer)
        self._tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        model, loading = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # Told below, more plainly.
        )
        unfit = {*loading["missing_keys"], *(key for key, *_ in loading["mismatched_keys"])}
        unfit = sorted(key for key in unfit if "pooler" not in key)
        if unfit:
            raise ValueError(f"config.json and the weights disagree on {unfit[0]}")
        self._model = _with_prefix(model, layout.transformer).to(self._device).eval()

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of texts, float32[n, dimension]."""
        with self._lock:
            tokens = self._tokens(texts)
        lengths = np.array([len(row) for row in tokens])
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for rows in _batches(lengths, _BATCH_TOKENS[self._device.type]):
            width = int(lengths[rows[0]])
            mask = np.arange(width) < lengths[rows, None]
            ids = np.full(mask.shape, self._tokenizer.pad_token_id or 0, np.int64)
            ids[mask] = np.concatenate([tokens[row] for row in rows])
            vectors[rows] = self._pooled(torch.from_numpy(ids), torch.from_numpy(mask))
        return vectors

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        limit = CHARACTERS_A_TOKEN * self._max_tokens
        return self._tokenizer(
            [text[:limit] for text in texts],
            truncation=True,
            max_length=self._max_tokens,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]

    @torch.inference_mode()
    def _pooled(self, ids: torch.Tensor, mask: torch.Tensor) -> NDArray[np.float32]:
        ids, mask = ids.to(self._device), mask.to(self._device)
        hidden = self._model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        if self._layout.pooling == "cls":
            vectors = hidden[:, 0].float()
        else:
            kept = mask.unsqueeze(-1).float()
            vectors = (hidden.float() * kept).sum(dim=1) / kept.sum(dim=1).clamp_min(1e-9)
        if self._layout.normalise:
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        return vectors.cpu().numpy()


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


def _with_prefix(model: Any, folder: Path) -> Any:
    """The model with the prefix that was tuned for it, where there is one beside it."""
    adapter = folder / ADAPTER
    if not adapter.is_dir():
        return model
    try:
        from peft import PeftModel
    except ImportError:
        raise MissingExtraError("peft", "pretrain") from None
    return PeftModel.from_pretrained(model, str(adapter), local_files_only=True)


def require_tokenizer(folder: Path) -> None:
    """Without its files, transformers makes a tokenizer that knows no word, and says nothing."""
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
    if not any(path for name in names for path in folder.glob(name)):
        raise ValueError("the tokenizer is missing (tokenizer.json)")


def _batches(lengths: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Rows in batches of like length and at most so many padded tokens, longest first."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


@contextmanager
def quiet() -> Generator[None]:
    """Keeps transformers' own bars and notes about loading off the terminal."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


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
