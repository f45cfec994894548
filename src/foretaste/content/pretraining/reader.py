"""A language model in training: texts in, vectors with gradients out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from foretaste.content._tokens import CHARACTERS_A_TOKEN

#: Most padded tokens that go through the network at once, after sorting by length.
_TOKENS_AT_ONCE = 2048

#: Tokens of a batch by name, int64[n, width], as the tokenizer gives them.
Tokens = dict[str, Tensor]


class Reader(nn.Module):
    """A transformer with its tokenizer and pooling.

    Args:
        transformer: A Hugging Face model without a head.
        tokenizer: Its own.
        pooling: How token vectors become one: their mean, or that of the first token.
        max_tokens: Longer texts are cut.
    """

    def __init__(
        self, transformer: Any, tokenizer: Any, pooling: Literal["mean", "cls"], max_tokens: int
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.tokenizer = tokenizer
        self.pooling = pooling
        self.max_tokens = max_tokens

    def tokens(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Tokens:
        """Padded tokens of texts, or of pairs of texts."""
        limit = CHARACTERS_A_TOKEN * self.max_tokens
        second = None if pairs is None else [text[:limit] for text in pairs]
        encoded = self.tokenizer(
            [text[:limit] for text in texts],
            second,
            truncation=True,
            max_length=self.max_tokens,
            padding=True,
            return_tensors="pt",
        )
        return dict(encoded)

    def forward(self, tokens: Tokens) -> Tensor:
        """Pooled vectors, float32[n, d]."""
        # Rows of like length go together: a third of the work would be padding otherwise.
        lengths = tokens["attention_mask"].sum(1)
        order = lengths.argsort(descending=True)
        parts: list[Tensor] = []
        start = 0
        while start < len(order):
            width = int(lengths[order[start]])
            rows = order[start : start + max(1, _TOKENS_AT_ONCE // max(width, 1))]
            parts.append(self._pooled({name: t[rows, :width] for name, t in tokens.items()}))
            start += len(rows)
        return torch.cat(parts)[order.argsort()]

    def _pooled(self, tokens: Tokens) -> Tensor:
        hidden = self.transformer(**tokens).last_hidden_state.float()
        if self.pooling == "cls":
            return hidden[:, 0]
        kept = tokens["attention_mask"].unsqueeze(-1).float()
        return (hidden * kept).sum(1) / kept.sum(1).clamp_min(1)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(self.transformer.config.hidden_size)
