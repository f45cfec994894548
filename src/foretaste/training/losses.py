"""Losses over items."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

#: Logits held at once: few enough to stay in the processor's cache.
_CHUNK = 2**20

#: Positions are dealt with in multiples of so many.
_ROWS = 64


def sampled_softmax(
    hidden: Tensor,
    positives: Tensor,
    negatives: Tensor,
    *,
    targets: Tensor,
    sampled: Tensor,
    items: int,
) -> Tensor:
    """Cross-entropy of each target against negatives that all positions share.

    The negatives are drawn uniformly and stand for the whole catalogue: their logits are raised
    by log(items / m), the logQ correction of Bengio & Senécal (2008), so that the loss estimates
    the full softmax, and is the full softmax when every item is among them. Negatives that are a
    position's own target are left out for it.

    Args:
        hidden: float[positions, d].
        positives: float[positions, d], vectors of the targets.
        negatives: float[m, d], vectors of the sampled items.
        targets: int64[positions], codes of the targets.
        sampled: int64[m], codes of the sampled items, distinct and in rising order.
        items: Size of the catalogue the negatives were drawn from.

    Returns:
        The mean loss, a scalar.
    """
    shift = math.log(max(items / len(sampled), 1.0))
    columns = torch.searchsorted(sampled, targets).clamp_max_(len(sampled) - 1)
    own = torch.where(sampled[columns] == targets, columns, -1)
    hidden = hidden.to(positives.dtype)  # What a network under autocast says may be in bf16.
    return cast(Tensor, _SharedSoftmax.apply(hidden, positives, negatives, own, shift))


class _SharedSoftmax(torch.autograd.Function):
    """Loss and gradients chunk by chunk: the logits are never held whole, nor computed twice.

    The gradient of the mean loss is known as soon as the loss is, so `forward` keeps it and
    `backward` only scales it (as the fused linear cross-entropy of Hsu et al., "Liger Kernel",
    2024, does). Under autocast matrices are multiplied in its type, and so are the logits held;
    sums and gradients keep the type of what came in.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        positives: Tensor,
        negatives: Tensor,
        own: Tensor,
        shift: float,
    ) -> Tensor:
        dtype = _matmul_dtype(hidden)
        count = len(hidden)
        # Rows of zeros at the end give products of few shapes (see `rounded_up`), and no gradient.
        room = (0, 0, 0, -count % _ROWS)
        hidden, positives = functional.pad(hidden, room), functional.pad(positives, room)
        own = functional.pad(own, room[2:], value=-1)
        rows = max(_ROWS, _CHUNK // len(negatives) // _ROWS * _ROWS)
        losses, hidden_gradients, positive_gradients = [], [], []
        negative_gradient = torch.zeros_like(negatives)
        factors = negatives.to(dtype)
        for h, positive, column in zip(
            hidden.split(rows), positives.split(rows), own.split(rows), strict=True
        ):
            # Lowering the target is raising the rest, for the price of one column.
            wanted = (h * positive).sum(1) - shift
            logits = h.to(dtype) @ factors.T
            hit = (column >= 0).nonzero().squeeze(1)
            logits[hit, column[hit]] = -torch.inf
            peak = torch.maximum(logits.amax(1), wanted.to(dtype))
            weights = logits.sub_(peak[:, None]).exp_()
            own_weight = (wanted - peak).exp_()
            mass = weights.sum(1, dtype=h.dtype) + own_weight
            losses.append(mass.log() + peak - wanted)
            share = (1 / mass)[:, None]
            pull = own_weight[:, None] * share - 1
            hidden_gradients.append(torch.addcmul(pull * positive, weights @ factors, share))
            positive_gradients.append(pull * h)
            negative_gradient += weights.T @ (share * h).to(dtype)
        ctx.save_for_backward(
            torch.cat(hidden_gradients)[:count],
            torch.cat(positive_gradients)[:count],
            negative_gradient,
        )
        ctx.positions = count
        return torch.cat(losses)[:count].mean()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        scale = gradients[0] / ctx.positions
        return *(scale * gradient for gradient in ctx.saved_tensors), None, None


def _matmul_dtype(x: Tensor) -> torch.dtype:
    """What matrices are multiplied in: what autocast says, else their own."""
    if torch.is_autocast_enabled(x.device.type):
        return torch.get_autocast_dtype(x.device.type)
    return x.dtype
