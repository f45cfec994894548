"""A model's folder, read to be changed and written anew."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from foretaste.content._network import Layout, read_layout
from foretaste.content._pretrained import loading_from, pretrained_model, quiet
from foretaste.content._weights import find_model, is_onnx
from foretaste.errors import InputError

_WEIGHTS = (".safetensors", ".onnx", ".bin")


def source_layout(model: str) -> tuple[Path, Layout]:
    """The folder of a model of the common shape, and its layout.

    Raises:
        InputError: There is no such model, or its shape is not the common one: a transformer with
            mean or first-token pooling, with weights in safetensors.
    """
    folder = find_model(model)
    layout = read_layout(folder)
    if layout is None or is_onnx(folder):
        raise InputError(
            "only a transformer in safetensors with mean or first-token pooling can be compressed.",
            file=folder,
            field="model",
        )
    return folder, layout


def load_transformer(folder: Path, layout: Layout) -> Any:
    """The bare transformer of a folder, in fp32.

    Raises:
        InputError: The files are damaged, incomplete, or need code of their own.
    """
    with loading_from(folder):
        transformer, _ = pretrained_model(layout.transformer, torch.float32)
    return transformer


@contextmanager
def draft_of(target: Path, source: Path) -> Generator[Path]:
    """A folder with all files of a model but its weights; it becomes `target` when all went well.

    Raises:
        InputError: `target` is there already.
    """
    if target.exists():
        raise InputError("the folder exists already.", file=target, hint="Name a new one.")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        ignored = shutil.ignore_patterns(*(f"*{end}" for end in _WEIGHTS), ".*", "openvino")
        shutil.copytree(source, draft, ignore=ignored, dirs_exist_ok=True)
        yield draft
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def write_transformer(transformer: Any, layout: Layout, source: Path, target: Path) -> Path:
    """Writes a model like that in `source`, but with this transformer, and returns `target`."""
    with draft_of(target, source) as draft, quiet():
        transformer.save_pretrained(str(draft / layout.transformer.relative_to(source)))
    return target
