"""Losses over items."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


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
    the full softmax. Negatives that are a position's own target are left out for it.

    Args:
        hidden: float[positions, d].
        positives: float[positions, d], vectors of the targets.
        negatives: float[m, d], vectors of the sampled items.
        targets: int64[positions], codes of the targets.
        sampled: int64[m], codes of the sampled items.
        items: Size of the catalogue the negatives were drawn from.

    Returns:
        The mean loss, a scalar.
    """
    positive = (hidden * positives).sum(-1, keepdim=True)
    negative = hidden @ negatives.T + math.log(max(items / len(sampled), 1.0))
    negative = negative.masked_fill(targets[:, None] == sampled, -torch.inf)
    logits = torch.cat([positive, negative], dim=1)
    first = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    return functional.cross_entropy(logits, first)
