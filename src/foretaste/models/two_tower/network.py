"""The two towers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.content.pretraining.behaviour import RecentMean
from foretaste.training import UniformNegatives, sampled_softmax


class Tower(nn.Module):
    """A linear map with a hidden layer beside it, which starts silent; zero stays zero.

    Args:
        width: Of what comes in.
        start: float32[dimension, width], the linear map to start from.
    """

    def __init__(self, width: int, start: Tensor) -> None:
        super().__init__()
        dimension = len(start)
        self.linear = nn.Parameter(start.clone())
        self.hidden = nn.Linear(width, 2 * dimension, bias=False)
        self.out = nn.Parameter(torch.zeros(dimension, 2 * dimension))

    def forward(self, x: Tensor) -> Tensor:
        """float[..., width] to unit vectors, float[..., dimension]."""
        found = x @ self.linear.T + functional.gelu(self.hidden(x)) @ self.out.T
        return functional.normalize(found, dim=-1)


class TwoTowerNetwork(nn.Module):
    """An item's vector from its content, a person's from those of their items.

    Args:
        start: float32[dimension, width], the item tower's linear map to start from.
        half_life: Of actions in the person's vector.
        temperature: Divides cosines in the loss.
    """

    def __init__(self, start: Tensor, half_life: float | None, temperature: float) -> None:
        super().__init__()
        dimension, width = start.shape
        self.items = Tower(width, start)
        self.people = Tower(dimension, torch.eye(dimension))
        self.recent = RecentMean(half_life)
        self.temperature = temperature

    def next_item_loss(
        self, codes: Tensor, contents: Tensor, negatives: UniformNegatives
    ) -> Tensor:
        """Mean loss of foreseeing every item of `codes` but the first of each row.

        Args:
            codes: int64[rows, width], zeros at the end.
            contents: float32[items + 1, width], what the items say.
            negatives: Draws the items that every target must beat.
        """
        sampled = negatives.draw()
        needed, places = torch.cat([codes.flatten(), sampled]).unique(return_inverse=True)
        vectors = self.items(contents[needed])
        history = vectors[places[: codes.numel()]].view(*codes.shape, -1)
        targets = codes[:, 1:]
        real = targets != 0
        states = self.people(self.recent(history[:, :-1]))
        return sampled_softmax(
            states[real] / self.temperature,
            history[:, 1:][real],
            vectors[places[codes.numel() :]],
            targets=targets[real],
            sampled=sampled,
            items=len(negatives.pool),
        )
