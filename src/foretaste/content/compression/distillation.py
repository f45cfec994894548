"""A smaller student that gives the vectors of its teacher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize

from foretaste.config import Config
from foretaste.content._network import Pooled
from foretaste.content._tokens import Tokenizer, like_length_batches
from foretaste.content.compression._folder import (
    load_transformer,
    source_layout,
    write_transformer,
)
from foretaste.content.compression.pruning import keep_layers
from foretaste.content.text import TextEncoder
from foretaste.content.unit import unit
from foretaste.errors import DataError
from foretaste.training import TrainingConfig, TrainingHistory, train_network

Tokens = tuple[NDArray[np.int64], NDArray[np.bool_]]
Batch = tuple[Tokens, NDArray[np.float32]]

#: Texts that are held out to say when to stop.
_HELD_OUT = 0.05
_LEAST = 20


class DistillationConfig(Config):
    """Settings of `distil`.

    Attributes:
        layers: Of the student.
        max_tokens: Longer texts are cut, in training.
        seed: Of the order of texts, and of which are held out.
        training: Of the student; `batch_tokens` are tokens of text, padding included.
    """

    layers: int = Field(default=3, ge=1)
    max_tokens: int = Field(default=128, ge=8)
    seed: int = 0
    training: TrainingConfig = TrainingConfig(
        epochs=6, patience=2, batch_tokens=1024, learning_rate=3e-4, warmup_steps=50, average=0.99
    )


def distil(
    model: str, texts: list[str], target: Path, config: DistillationConfig | None = None
) -> TrainingHistory:
    """Trains a student on unlabelled texts to give its teacher's vectors.

    The student begins as some of the teacher's layers, evenly chosen (Sanh et al., "DistilBERT",
    2019), and its loss is the squared distance between unit vectors, student to teacher (Reimers
    & Gurevych, "Making monolingual sentence embeddings multilingual", 2020). Training stops when
    vectors of texts that are held out get no closer.

    Args:
        model: The teacher, as in `TextEncoderConfig`; a network of BERT's shape.
        texts: Of the catalogue; repeats and empty ones do not count.
        target: The folder to be written.
        config: Settings.

    Returns:
        The learning curve; its metric is the mean cosine to the teacher on texts held out.

    Raises:
        InputError: The model can't be used, or the folder is there already.
        DataError: There are too few texts.
    """
    config = config or DistillationConfig()
    distinct = sorted({text for text in texts if text.strip()})
    if len(distinct) < _LEAST:
        raise DataError(f"there are {len(distinct)} distinct texts; {_LEAST} are the least.")
    folder, layout = source_layout(model)
    teacher = TextEncoder(model, max_tokens=config.max_tokens)
    tokenizer = Tokenizer(layout.transformer, min(config.max_tokens, layout.max_tokens))
    vectors = unit(teacher.encode_texts(distinct))
    lessons = _Lessons(tokenizer(distinct), vectors, tokenizer, config)
    transformer = load_transformer(folder, layout)
    keep_layers(transformer, config.layers)
    student = Pooled(transformer, layout)
    history = train_network(
        student,
        batches=lessons.epoch,
        loss=lambda batch: _distance(student, batch),
        validate=lambda: _closeness(student, lessons),
        config=config.training,
        seed=config.seed,
    )
    write_transformer(student.transformer, layout, folder, target)
    return history


class _Lessons:
    """Tokens and the vectors they should give, in batches of like length."""

    def __init__(
        self,
        tokens: list[list[int]],
        vectors: NDArray[np.float32],
        tokenizer: Tokenizer,
        config: DistillationConfig,
    ) -> None:
        order = np.random.default_rng(config.seed).permutation(len(tokens))
        held_out = max(1, round(_HELD_OUT * len(tokens)))
        self._tokens, self._vectors, self._tokenizer = tokens, vectors, tokenizer
        self._held_out, self._taught = order[:held_out], order[held_out:]
        self._seed, self._budget = config.seed, config.training.batch_tokens

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch, in an order of its own."""
        batches = list(self._batches(self._taught))
        for place in np.random.default_rng((self._seed, number)).permutation(len(batches)):
            yield batches[place]

    def held_out(self) -> Iterator[Batch]:
        """The batches that are not learnt from."""
        return self._batches(self._held_out)

    def _batches(self, rows: NDArray[np.int64]) -> Iterator[Batch]:
        lengths = np.array([len(self._tokens[row]) for row in rows])
        for places in like_length_batches(lengths, self._budget):
            chosen = rows[places]
            tokens = self._tokenizer.padded([self._tokens[row] for row in chosen])
            yield tokens, self._vectors[chosen]


def _distance(student: Pooled, batch: Batch) -> Tensor:
    (ids, mask), wanted = batch
    given = normalize(student(torch.from_numpy(ids), torch.from_numpy(mask)), dim=1)
    return (given - torch.from_numpy(wanted)).square().sum(1).mean()


def _closeness(student: Pooled, lessons: _Lessons) -> float:
    total, count = 0.0, 0
    with torch.inference_mode():
        for batch in lessons.held_out():
            rows = len(batch[1])
            # Of unit vectors, the squared distance is 2 - 2 cosine.
            total += rows * (1 - float(_distance(student, batch)) / 2)
            count += rows
    return total / count
