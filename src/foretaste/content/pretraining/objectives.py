"""What is learnt from the words of items alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foretaste.content.pretraining.catalogue import Catalogue
from foretaste.content.pretraining.config import PretrainingConfig
from foretaste.content.pretraining.reader import Reader, Tokens
from foretaste.training import seeded

#: Of a view's words, so many are left out, where it has more than a few.
_DROPPED_WORDS = 0.1

Batch = dict[str, Any]


class Objective(nn.Module, ABC):
    """A loss that teaches a reader.

    What is drawn for a batch is a function of the seed and its rows: a batch of held-out rows is
    the same after every epoch, and a training that goes on from a checkpoint meets what it would
    have met.

    Attributes:
        rows: int64[n], numbers of what is learnt from, items or people.
    """

    rows: NDArray[np.int64]

    def __init__(self, reader: Reader, config: PretrainingConfig) -> None:
        super().__init__()
        self.reader = reader
        self.settings = config

    @abstractmethod
    def batch(self, rows: Sequence[int]) -> Batch:
        """What `forward` takes, for some of `rows`."""

    def random(self, rows: Sequence[int]) -> np.random.Generator:
        """The randomness of a batch."""
        return np.random.default_rng([self.settings.seed, *rows])


class Words(Objective):
    """Foresees hidden words (BERT, Devlin et al., 2019), or of a decoder the next word.

    Args:
        language_model: The reader's transformer under its head for words.
    """

    def __init__(
        self, reader: Reader, config: PretrainingConfig, catalogue: Catalogue, language_model: Any
    ) -> None:
        from transformers import DataCollatorForLanguageModeling

        super().__init__(reader, config)
        self.language_model = language_model
        self.rows = catalogue.spoken()
        self._texts = catalogue.texts
        masked = reader.tokenizer.mask_token is not None
        self._hide = DataCollatorForLanguageModeling(
            reader.tokenizer, mlm=masked, mlm_probability=config.mask if masked else None
        )

    def batch(self, rows: Sequence[int]) -> Batch:
        """Tokens of texts, some of them hidden, and what they were as labels."""
        tokens = self.reader.tokens([self._texts[row] for row in rows])
        examples = [
            {name: t[row] for name, t in tokens.items() if name != "token_type_ids"}
            for row in range(len(rows))
        ]
        with seeded(int(self.random(rows).integers(2**31))):
            return dict(self._hide(examples))

    def forward(self, **batch: Tensor) -> Tensor:
        """Mean cross-entropy of the hidden words."""
        loss = self.language_model(**batch).loss
        return torch.nan_to_num(loss)  # Of a batch in which chance hid nothing.


class Sections(Objective):
    """Tells whether two fields are of one item (next-sentence prediction, Devlin et al., 2019).

    Two fields are read together; in every other pair the second is of another item.
    """

    def __init__(self, reader: Reader, config: PretrainingConfig, catalogue: Catalogue) -> None:
        super().__init__(reader, config)
        self.rows = catalogue.spoken(fields=2)
        self._fields = catalogue.fields
        self.judge = nn.Linear(reader.dimension, 2)

    def batch(self, rows: Sequence[int]) -> Batch:
        """Tokens of pairs, and int64[n], 1 for two fields of one item."""
        rng = self.random(rows)
        labels = rng.integers(2, size=len(rows))
        pairs = [rng.permutation(len(self._fields[row]))[:2] for row in rows]
        strangers = rng.choice(self.rows, len(rows))
        first = [self._fields[row][pair[0]] for row, pair in zip(rows, pairs, strict=True)]
        second = [
            self._fields[row if label else stranger][pair[1] if label else pair[1] % count]
            for row, stranger, pair, label in zip(rows, strangers, pairs, labels, strict=True)
            for count in [len(self._fields[stranger])]
        ]
        return {"tokens": self.reader.tokens(first, second), "labels": torch.from_numpy(labels)}

    def forward(self, tokens: Tokens, labels: Tensor) -> Tensor:
        """Mean cross-entropy of the judgements."""
        return functional.cross_entropy(self.judge(self.reader(tokens)), labels)


class Contrast(Objective):
    """Brings two views of an item together and drives those of different items apart.

    InfoNCE with the other items of the batch as negatives, both ways. The views are the same text
    under two dropout masks (SimCSE, Gao et al., 2021), or two texts, each of some of the item's
    fields and most of their words.
    """

    def __init__(self, reader: Reader, config: PretrainingConfig, catalogue: Catalogue) -> None:
        super().__init__(reader, config)
        self.rows = catalogue.spoken()
        self._catalogue = catalogue

    def batch(self, rows: Sequence[int]) -> Batch:
        """Tokens of the first and of the second views."""
        if self.settings.views == "dropout":
            texts = [self._catalogue.texts[row] for row in rows]
            return {"tokens": self.reader.tokens([*texts, *texts])}
        rng = self.random(rows)
        fields = [self._catalogue.fields[row] for row in rows]
        views = [some_of(said, rng) for _ in range(2) for said in fields]
        return {"tokens": self.reader.tokens(views)}

    def forward(self, tokens: Tokens) -> Tensor:
        """Mean cross-entropy of each view's partner among the partners of all."""
        vectors = functional.normalize(self.reader(tokens), dim=1)
        one, other = vectors.chunk(2)
        logits = one @ other.T / self.settings.temperature
        own = torch.arange(len(one), device=logits.device)
        return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def some_of(fields: list[str], rng: np.random.Generator) -> str:
    """A view of an item: some of its fields, in order, without some of their words."""
    kept = np.sort(rng.permutation(len(fields))[: rng.integers(1, len(fields) + 1)])
    words = " . ".join(fields[place] for place in kept).split(" ")
    if len(words) > 3:
        words = [word for word in words if rng.random() >= _DROPPED_WORDS] or words
    return " ".join(words)
