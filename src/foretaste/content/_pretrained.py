"""Networks of transformers, from the files of a folder and nothing else."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from foretaste.errors import InputError, MissingExtraError

#: Folder beside a transformer that holds its prefix, as `peft` writes it.
ADAPTER = "adapter"


def pretrained_model(folder: Path, dtype: torch.dtype) -> tuple[Any, bool]:
    """The network in a folder, in evaluation mode, and whether its pooler came with weights.

    Raises:
        ValueError: The weights are not those of the network that config.json describes.
    """
    from transformers import AutoModel

    model, loading = AutoModel.from_pretrained(
        str(folder),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=dtype,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # Told below, more plainly.
    )
    unfit = {*loading["missing_keys"], *(key for key, *_ in loading["mismatched_keys"])}
    serious = sorted(key for key in unfit if "pooler" not in key)
    if serious:
        raise ValueError(f"config.json and the weights disagree on {serious[0]}")
    return _with_prefix(model, folder).eval(), not unfit


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


@contextmanager
def loading_from(folder: Path) -> Generator[None]:
    """Turns what goes wrong with the files of a model into one error that names the folder.

    Raises:
        InputError: The files are damaged, incomplete, or need code of their own.
    """
    try:
        with quiet():
            yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"the model can't be loaded: {str(error).strip().partition(chr(10))[0].rstrip('. ')}.",
            file=folder,
            field="model",
            hint="Give the whole folder of a model that needs no code of its own.",
        ) from error


@contextmanager
def quiet() -> Generator[None]:
    """Keeps transformers' own bars and notes off the terminal."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
