"""A language model that reads what a person acted on, and the item, as one text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foretaste.content import trainable_transformer
from foretaste.data.batching import by_length, length_buckets
from foretaste.errors import DataError, MissingExtraError
from foretaste.models.interest.bodies.base import (
    BodyConfig,
    Examples,
    Floats,
    LanguageConfig,
    Shape,
)
from foretaste.models.interest.bodies.networks import loss_of, metric_of
from foretaste.models.interest.inputs import Inputs
from foretaste.training import TrainingHistory, seeded, train_network
from foretaste.training.precision import autocast

_PREFIX = "network."
#: Of the tokens, the candidate's text may take this share.
_OF_ITEM = 0.5


class Prompts:
    """Writes pairs as tokens; every text is read by the tokenizer once.

    Args:
        texts: Of the items, by code.
        config: Templates and length.
        tokenizer: Of the language model.
    """

    def __init__(self, texts: Sequence[str], config: LanguageConfig, tokenizer: Any) -> None:
        def tokens(written: Sequence[str]) -> list[list[int]]:
            return tokenizer(list(written), add_special_tokens=False, verbose=False)["input_ids"]

        self._acted = tokens([config.acted.replace("{title}", text) for text in texts])
        self._passed = tokens([config.passed.replace("{title}", text) for text in texts])
        self._items = tokens(texts)
        [self._separator] = tokens([config.separator])
        self._history_first = config.prompt.index("{history}") < config.prompt.index("{title}")
        around = config.prompt.replace("{title}", "{history}").split("{history}")
        self._before, self._between, self._after = tokens(around)
        self._first, self._last = [tokenizer.cls_token_id], [tokenizer.sep_token_id]
        self._room = config.max_tokens
        self._most_of_item = int(config.max_tokens * _OF_ITEM)

    def write(
        self, item: int, past: NDArray[np.integer], labels: NDArray[np.floating]
    ) -> list[int]:
        """The tokens of one pair; of the past as many of the latest actions as there is room for.

        Args:
            item: Code of the candidate.
            past: int[h], codes of the past, oldest first, then 0.
            labels: float[h], their labels.
        """
        candidate = self._items[item][: self._most_of_item]
        frame = [self._first, self._before, self._between, self._after, self._last]
        room = self._room - len(candidate) - sum(map(len, frame))
        history = self._history(past, labels, room)
        middle = (
            [history, self._between, candidate]
            if self._history_first
            else [candidate, self._between, history]
        )
        parts = [self._first, self._before, *middle, self._after, self._last]
        return [token for part in parts for token in part]

    def _history(
        self, past: NDArray[np.integer], labels: NDArray[np.floating], room: int
    ) -> list[int]:
        kept: list[list[int]] = []
        for place in range(int((past > 0).sum()) - 1, -1, -1):
            entries = self._acted if labels[place] > 0.5 else self._passed
            entry = entries[past[place]] + (self._separator if kept else [])
            room -= len(entry)
            if room < 0:
                break
            kept.append(entry)
        return [token for entry in reversed(kept) for token in entry]


class LanguageNetwork(nn.Module):
    """A pretrained encoder, and one number from the mean of its token vectors.

    Dropout is of that mean alone. Within the encoder, its random numbers would cost three quarters
    of the time that all products take.

    Args:
        encoder: A transformers model.
        dropout: Share of the mean that is dropped in training.
    """

    def __init__(self, encoder: Any, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, 1)

    def train(self, mode: bool = True) -> Self:
        """As `Module.train`, but for the encoder."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """int64[n, width] and bool[n, width] to log-odds, float[n]."""
        found = self.encoder(input_ids=tokens, attention_mask=there.long()).last_hidden_state
        # In fp32: of bf16, log-odds would come in a few hundred steps only.
        with torch.autocast(tokens.device.type, enabled=False):
            mask = there[:, :, None].float()
            mean = (found.float() * mask).sum(1) / mask.sum(1)
            return self.head(self.dropout(mean)).squeeze(1)


class LanguageBody:
    """A BERT-like encoder with a head, trained whole or by LoRA on history and item as text.

    Only what was trained is kept in a state; the pretrained weights are found by their name.

    Args:
        shape: With the items' texts.
        config: Settings.

    Raises:
        DataError: The items have no texts.
    """

    def __init__(self, shape: Shape, config: BodyConfig) -> None:
        if not any(shape.texts):
            raise DataError("the items have no words to read.", field="content")
        self._shape, self._config = shape, config
        self._network: LanguageNetwork | None = None
        self._prompts: Prompts | None = None
        self.history: TrainingHistory | None = None

    def fit(self, train: Examples, validation: Examples | None, rounds: int | None) -> int:
        """As `Body.fit`; rounds are epochs."""
        config, goals = self._config, self._shape.goals
        training = config.language.training
        network = self._build()
        epochs = training.epochs if rounds is None else rounds
        self.history = train_network(
            network,
            batches=lambda epoch: self._batches(train, epoch),
            loss=lambda batch: loss_of(network(*batch[:2]), *batch[2:], goals, config.focal),
            validate=None
            if validation is None
            else lambda: metric_of(self.log_odds(validation.inputs), validation.labels, goals),
            config=training.model_copy(update={"epochs": epochs}),
            seed=config.seed,
        )
        return self.history.best

    def log_odds(self, inputs: Inputs) -> Floats:
        """float32[n]."""
        network, texts = self._fitted(), self._texts(inputs)
        lengths = np.array([len(text) for text in texts], np.int64)
        found = np.empty(len(inputs), np.float32)
        training = self._config.language.training
        with torch.inference_mode(), autocast(torch.device("cpu"), training.precision):
            for rows in by_length(lengths, training.batch_tokens):
                found[rows] = network(*_padded([texts[row] for row in rows])).numpy()
        return found

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What was trained."""
        trained = self._fitted().named_parameters()
        return {_PREFIX + n: p.detach().numpy() for n, p in trained if p.requires_grad}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes back what was trained."""
        network = self._build()
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                parameter.data.copy_(torch.from_numpy(tensors[_PREFIX + name]))
        network.eval()

    def _build(self) -> LanguageNetwork:
        """A network as it is before training, and what writes its texts."""
        config = self._config.language
        tokenizer, encoder = trainable_transformer(config.model)
        self._prompts = Prompts(self._shape.texts, config, tokenizer)
        with seeded(self._config.seed):
            if config.lora_rank:
                encoder = _with_lora(encoder, config.lora_rank)
            self._network = LanguageNetwork(encoder, self._config.dropout)
        return self._network

    def _fitted(self) -> LanguageNetwork:
        if self._network is None:
            raise RuntimeError("this body has learnt nothing yet")
        return self._network

    def _texts(self, inputs: Inputs) -> list[list[int]]:
        if self._prompts is None:
            raise RuntimeError("this body has learnt nothing yet")
        rows = zip(inputs.items, inputs.past_items, inputs.past_labels, strict=True)
        return [self._prompts.write(int(item), past, labels) for item, past, labels in rows]

    def _batches(
        self, train: Examples, epoch: int
    ) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        rng = np.random.default_rng([self._config.seed, epoch])
        config = self._config.language
        rows = rng.permutation(len(train))[: config.pairs_an_epoch]
        texts = self._texts(train.inputs.take(rows))
        lengths = np.array([len(text) for text in texts], np.int64)
        for batch in length_buckets(lengths, config.training.batch_tokens, rng):
            yield (
                *_padded([texts[row] for row in batch]),
                torch.from_numpy(train.labels[rows[batch]]),
                torch.from_numpy(train.weights[rows[batch]]),
            )


def _padded(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Tokens with zeros at the end, and where there are any."""
    width = max(map(len, texts))
    tokens = torch.zeros(len(texts), width, dtype=torch.long)
    there = torch.zeros(len(texts), width, dtype=torch.bool)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = torch.tensor(text)
        there[row, : len(text)] = True
    return tokens, there


def _with_lora(encoder: Any, rank: int) -> Any:
    """The encoder with low-rank updates of all its linear layers, nothing else to be trained."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtraError("peft", "interest") from error
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    return get_peft_model(encoder, settings)
