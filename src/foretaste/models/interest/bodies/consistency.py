"""Answers that stay the same when some of what is read of a pair is missing."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from foretaste.models.interest.bodies._layers import Batch

#: Epochs in which the weight rises to all that is set.
_RISING = 5


def blanked(batch: Batch, share: float) -> Batch:
    """The same pairs with so much of their choices, numbers and pasts dropped, at random.

    What is dropped reads as unknown; the rest of a past moves up, so that it still has no gaps.
    """

    def kept(values: Tensor) -> Tensor:
        return values * (torch.rand(values.shape) >= share)

    past = kept(batch.past_items)
    order = (past == 0).to(torch.uint8).argsort(dim=1, stable=True)
    past_labels = torch.where(past > 0, batch.past_labels, 0)
    return replace(
        batch,
        choices=kept(batch.choices),
        scaled=kept(batch.scaled),
        past_items=past.gather(1, order),
        past_labels=past_labels.gather(1, order),
    )


def inconsistency(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared difference of the probabilities that two log-odds say.

    The consistency of the Pi-model (Laine & Aila, 2017, equation 1), which needs no labels.
    """
    return (first.float().sigmoid() - second.float().sigmoid()).square().mean()


def rising(epoch: int) -> float:
    """The part of its weight that consistency has in an epoch, from 1 (section 2.1 there)."""
    return math.exp(-5 * (1 - min(1.0, epoch / _RISING)) ** 2)
