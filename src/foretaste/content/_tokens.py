"""Texts as tokens, and tokens in batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: No tokenizer makes a token of more characters than this, but for words it doesn't know.
CHARACTERS_A_TOKEN = 64


class Tokenizer:
    """The tokenizer of a folder, for batches of texts.

    Args:
        folder: Its files.
        max_tokens: Longer texts are cut.

    Raises:
        ValueError: The files are missing.
    """

    def __init__(self, folder: Path, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._lock = threading.Lock()  # Tokenizers keep their settings for a call in themselves.
        self._tokenizer = load_tokenizer(folder)

    def __call__(self, texts: list[str]) -> list[list[int]]:
        """The tokens of each text."""
        limit = CHARACTERS_A_TOKEN * self._max_tokens
        with self._lock:
            return self._tokenizer(
                [text[:limit] for text in texts],
                truncation=True,
                max_length=self._max_tokens,
                padding=False,
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]

    def padded(self, tokens: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Tokens as int64[n, longest], and bool[n, longest] that is false on padding."""
        lengths = np.array([len(row) for row in tokens])
        mask = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(mask.shape, self._tokenizer.pad_token_id or 0, np.int64)
        ids[mask] = np.concatenate(tokens)
        return ids, mask


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in a folder, as transformers has it.

    Raises:
        ValueError: Its files are missing.
    """
    from transformers import AutoTokenizer

    _require_tokenizer(folder)
    return AutoTokenizer.from_pretrained(
        str(folder), local_files_only=True, trust_remote_code=False
    )


def _require_tokenizer(folder: Path) -> None:
    """Without its files, transformers makes a tokenizer that knows no word, and says nothing."""
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
    if not any(path for name in names for path in folder.glob(name)):
        raise ValueError("the tokenizer is missing (tokenizer.json)")


def like_length_batches(lengths: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Rows in batches of like length and at most so many padded tokens, longest first."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size
