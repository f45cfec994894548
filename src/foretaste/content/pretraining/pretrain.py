"""From a catalogue, and what people did in it, to the folder of a model that knows both."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from torch import nn

from foretaste.content._pretrained import ADAPTER, quiet
from foretaste.content._weights import fingerprint_files
from foretaste.content.pretraining.behaviour import Behaviour, RecentMean
from foretaste.content.pretraining.catalogue import Catalogue
from foretaste.content.pretraining.config import PretrainingConfig
from foretaste.content.pretraining.methods import merged, prepare
from foretaste.content.pretraining.objectives import Contrast, Objective, Sections, Words
from foretaste.content.pretraining.start import Start, from_model, from_scratch
from foretaste.content.text import TextEncoderConfig
from foretaste.data import Dataset
from foretaste.errors import InputError
from foretaste.memory import peak_memory_mib
from foretaste.training import seeded

if TYPE_CHECKING:
    from foretaste.content.pretraining._trainer import Curve

#: Gives the user tower for vectors of a dimension.
MakeTower = Callable[[int], nn.Module]

#: What a sentence-transformers folder says beside its transformer.
_LAYOUT = (
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling",
    "2_Normalize",
)


@dataclass(frozen=True)
class Pretrained:
    """What pretraining made.

    Attributes:
        folder: Of the model: give it to `TextEncoder`.
        curve: Losses of every epoch.
        trainable: Weights that were trained.
        weights: Weights there are.
        silent: Items without words, which were passed over.
        seconds: Wall time of training.
        peak_memory_mib: Most memory this process had held when it ended.
    """

    folder: Path
    curve: Curve
    trainable: int
    weights: int
    silent: int
    seconds: float
    peak_memory_mib: int

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "folder": str(self.folder),
            "loss": list(self.curve.loss),
            "held_out_loss": list(self.curve.held_out),
            "best_epoch": self.curve.best,
            "trainable": self.trainable,
            "weights": self.weights,
            "items_without_text": self.silent,
            "seconds": round(self.seconds, 1),
            "peak_memory_mib": self.peak_memory_mib,
        }


def pretrain(
    train: Dataset,
    folder: Path,
    *,
    content: TextEncoderConfig | None = None,
    config: PretrainingConfig | None = None,
    make_tower: MakeTower | None = None,
) -> Pretrained:
    """Trains a language model further on a shop, and writes it as a folder.

    Only `train` is looked at: its whole catalogue for the objectives of words, its events too for
    "behaviour". A training that was stopped goes on when it is asked for again.

    Args:
        train: Training events and the catalogue.
        folder: Where the model will stand; there must be nothing yet.
        content: The model that is started from, and which fields it reads.
        config: Settings.
        make_tower: The user tower of "behaviour" where that is "sequence".

    Raises:
        InputError: The folder is there already, or the model can't be found or trained.
        DataError: There is too little to learn from.
        MissingExtraError: The extra `pretrain` is not installed.
    """
    content, config = content or TextEncoderConfig(), config or PretrainingConfig()
    if folder.exists():
        raise InputError("there is something already.", file=folder, hint="Choose another name.")
    catalogue = Catalogue.of(train.items, content.fields)
    with quiet(), seeded(config.seed):
        start = _start(catalogue, content, config)
        prepare(start.reader, config)
        objective = _objective(start, catalogue, train, config, make_tower)
    from foretaste.content.pretraining._trainer import train as run

    checkpoints = folder.with_name(f".{folder.name}-{_key(start, train, content, config)}")
    began = time.perf_counter()
    with quiet():
        curve = run(objective, config, checkpoints)
    seconds = time.perf_counter() - began
    sizes = [(p.numel(), p.requires_grad) for p in objective.parameters()]
    done = Pretrained(
        folder,
        curve,
        sum(size for size, trained in sizes if trained),
        sum(size for size, _ in sizes),
        catalogue.silent,
        seconds,
        peak_memory_mib(),
    )
    with quiet():
        _write(start, content, config, done)
    shutil.rmtree(checkpoints)
    return done


def _start(catalogue: Catalogue, content: TextEncoderConfig, config: PretrainingConfig) -> Start:
    if config.scratch is None:
        return from_model(content.model, config)
    return from_scratch([text for text in catalogue.texts if text], config, config.scratch)


def _objective(
    start: Start,
    catalogue: Catalogue,
    train: Dataset,
    config: PretrainingConfig,
    make_tower: MakeTower | None,
) -> Objective:
    if config.objective == "mlm":
        return Words(start.reader, config, catalogue, start.language_model)
    if config.objective == "sections":
        return Sections(start.reader, config, catalogue)
    if config.objective == "contrastive":
        return Contrast(start.reader, config, catalogue)
    towers: dict[str, MakeTower | None] = {
        "item": lambda _: nn.Identity(),
        "history": lambda _: RecentMean(),
        "sequence": make_tower,
    }
    make = towers[config.tower]
    if make is None:
        raise InputError("the tower 'sequence' needs make_tower.", field="pretraining.tower")
    return Behaviour(start.reader, config, catalogue, train, make(start.reader.dimension))


def _key(
    start: Start, train: Dataset, content: TextEncoderConfig, config: PretrainingConfig
) -> str:
    """Tells this training from others: one of another base or data is never gone on from."""
    told = [
        version("foretaste"),
        config.model_dump_json(),
        repr(content.fields),
        train.fingerprint,
        "" if start.folder is None else fingerprint_files(start.folder),
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _write(
    start: Start, content: TextEncoderConfig, config: PretrainingConfig, done: Pretrained
) -> None:
    """Writes the model under a temporary name and renames it when it is whole."""
    partial = done.folder.with_name(f".{done.folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    transformer, prefix = merged(start.reader, config)
    transformer.save_pretrained(partial / start.transformer)
    start.reader.tokenizer.save_pretrained(partial / start.transformer)
    if prefix is not None:
        prefix.peft_config["default"].base_model_name_or_path = ""
        prefix.save_pretrained(partial / start.transformer / ADAPTER)
    if start.folder is not None:
        _copy_layout(start.folder, partial)
    # YAML, as the JSON of a model's folder is part of its fingerprint.
    told = {"base": content.model, "settings": config.model_dump(mode="json"), **done.to_dict()}
    told.pop("folder")
    (partial / "pretraining.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    partial.rename(done.folder)


def _copy_layout(source: Path, target: Path) -> None:
    for name in _LAYOUT:
        part = source / name
        if part.is_dir():
            shutil.copytree(part, target / name, dirs_exist_ok=True)
        elif part.is_file():
            shutil.copy2(part, target / name)
