"""The attention heads of networks of BERT's shape: how much each says, and taking some out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_READING = ("query", "key", "value")


class Attention(NamedTuple):
    """One attention layer.

    Attributes:
        inner: Holds the linear maps `query`, `key` and `value`.
        out: The linear map that puts the heads together.
        size: Length of a head's vectors.
    """

    inner: Any
    out: nn.Linear
    size: int

    def parts(self) -> Tensor:
        """What each head adds to the output, float[hidden, heads, size]: weights of `out`."""
        return self.out.weight.detach().unflatten(1, (-1, self.size))


def attentions(transformer: nn.Module) -> Iterator[Attention]:
    """The attention layers, in order; none where the network is of another shape."""
    for module in transformer.modules():
        inner, output = getattr(module, "self", None), getattr(module, "output", None)
        out = getattr(output, "dense", None)
        if isinstance(out, nn.Linear) and all(hasattr(inner, name) for name in _READING):
            yield Attention(inner, out, int(getattr(inner, "attention_head_size")))  # noqa: B009


def remove_silent_heads(transformer: nn.Module) -> None:
    """Takes out the heads that add nothing to any output, which changes no answer.

    One head of every layer stays, for a layer without any can't be run.
    """
    for attention in attentions(transformer):
        speaks = attention.parts().abs().sum((0, 2)) > 0
        if speaks.all():
            continue
        speaks[0] |= ~speaks.any()
        kept = speaks.repeat_interleave(attention.size).nonzero().squeeze(1)
        for name in _READING:
            whole = getattr(attention.inner, name)
            setattr(attention.inner, name, _linear(whole.weight[kept], whole.bias[kept]))
        out = attention.out
        out.weight = nn.Parameter(out.weight.detach()[:, kept])
        out.in_features = len(kept)
        attention.inner.all_head_size = len(kept)
        attention.inner.num_attention_heads = int(speaks.sum())


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    smaller = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        smaller.weight.copy_(weight)
        smaller.bias.copy_(bias)
    return smaller
