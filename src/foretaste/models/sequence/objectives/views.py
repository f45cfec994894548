"""Other views of sequences: parts of them, with gaps, in another order.

Every function takes item codes int64[rows, width] with zeros at the end and the number of items
in each row, int64[rows], and draws by torch's randomness.
"""

from __future__ import annotations

import torch
from torch import Tensor


def lengths_of(codes: Tensor) -> Tensor:
    """int64[rows], the items of each row."""
    return (codes != 0).sum(1)


def hidden_places(codes: Tensor, share: float) -> Tensor:
    """bool[rows, width]: a random share of the items, at least one a row."""
    draws = torch.rand(codes.shape).masked_fill(codes == 0, 2.0)
    least = torch.zeros_like(codes, dtype=torch.bool).scatter_(1, draws.argmin(1)[:, None], True)
    return (draws < share) | least


def random_run(lengths: Tensor, width: int, share: float) -> Tensor:
    """bool[rows, width]: a run of so large a share of each row, at least one item, anywhere."""
    sizes = (lengths * share).long().clamp_min(1)
    starts = (torch.rand(len(lengths)) * (lengths - sizes + 1)).long()
    places = torch.arange(width)
    return (places >= starts[:, None]) & (places < (starts + sizes)[:, None])


def cut(codes: Tensor, run: Tensor) -> tuple[Tensor, Tensor]:
    """The items of a run, bool[rows, width], moved to the front of their row; and how many."""
    order = (~run).long().argsort(dim=1, stable=True)
    lengths = run.sum(1)
    front = torch.arange(codes.shape[1]) < lengths[:, None]
    return codes.gather(1, order) * front, lengths


def shuffled(codes: Tensor, run: Tensor) -> Tensor:
    """The same with the items of a run, bool[rows, width], in a random order."""
    places = torch.arange(codes.shape[1]).expand_as(codes).float()
    first = run.long().argmax(1, keepdim=True)
    drawn = first + torch.rand(codes.shape) * run.sum(1, keepdim=True) * (1 - 1e-6)
    return codes.gather(1, torch.where(run, drawn, places).argsort(dim=1, stable=True))
