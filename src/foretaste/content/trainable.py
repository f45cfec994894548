"""Transformers as they are loaded to be trained further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from foretaste.content._network import read_layout
from foretaste.content._pretrained import loading_from
from foretaste.content._tokens import load_tokenizer
from foretaste.content._weights import find_model


def trainable_transformer(model: str) -> tuple[Any, Any]:
    """The tokenizer and the network of a model, as transformers has them.

    Args:
        model: As of a text encoder: a packaged name, a folder, or a name on the hub. What a
            sentence-transformers model does after its transformer is left out.

    Raises:
        InputError: There is no such model, or its files are damaged, incomplete or unsafe.
    """
    from transformers import AutoModel

    folder = find_model(model)
    layout = read_layout(folder)
    root = folder if layout is None else layout.transformer
    with loading_from(folder):
        return load_tokenizer(root), load_trainable(AutoModel, root)


def load_trainable(kind: Any, folder: Path) -> Any:
    """The network in a folder as `kind`, a class of transformers that loads by folder."""
    return kind.from_pretrained(
        str(folder),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        # On a processor, gradients of fused attention take longer than those of its parts.
        attn_implementation="sdpa" if torch.cuda.is_available() else "eager",
    )
