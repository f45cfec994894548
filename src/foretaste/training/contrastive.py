"""A loss that brings two views of the same thing together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrastive_loss(
    one: Tensor, other: Tensor, temperature: float, labels: Tensor | None = None
) -> Tensor:
    """How badly each view tells its counterpart from all other views of the batch.

    The normalised temperature-scaled cross-entropy of SimCLR (Chen et al., ICML 2020): both views
    of everything else are the negatives, likeness is the cosine.

    Args:
        one: float[n, d], a view of each of n things.
        other: float[n, d], another view of each.
        temperature: What likeness is divided by.
        labels: int64[n]; things of the same label are no negatives of each other.

    Returns:
        The mean loss, a scalar.
    """
    count = len(one)
    views = functional.normalize(torch.cat([one, other]).float(), dim=1)
    with torch.autocast(views.device.type, enabled=False):
        likeness = views @ views.T / temperature
    labels = torch.arange(count) if labels is None else labels
    same = (labels[:, None] == labels).tile(2, 2)
    counterpart = torch.arange(2 * count).roll(count)
    same[torch.arange(2 * count), counterpart] = False
    return functional.cross_entropy(likeness.masked_fill(same, -torch.inf), counterpart)
