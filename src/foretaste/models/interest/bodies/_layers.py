"""What networks share: vectors of everything a pair holds, and hidden layers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from foretaste.models.interest.bodies.base import BodyConfig, Shape
from foretaste.models.interest.inputs import Inputs

_SPREAD = 0.05


@dataclass(frozen=True)
class Batch:
    """`Inputs` as tensors; `ids` are the items whose own vectors are read beside their words."""

    people: Tensor
    items: Tensor
    ids: Tensor
    choices: Tensor
    scaled: Tensor
    past_items: Tensor
    past_labels: Tensor

    @classmethod
    def of(cls, inputs: Inputs) -> Batch:
        """The same values."""
        return cls(
            *(
                torch.from_numpy(getattr(inputs, name)).to(kind)
                for name, kind in (
                    ("people", torch.long),
                    ("items", torch.long),
                    ("items", torch.long),
                    ("choices", torch.long),
                    ("scaled", torch.float32),
                    ("past_items", torch.long),
                    ("past_labels", torch.float32),
                )
            )
        )

    def forgetting(self, share: float) -> Batch:
        """The same where so large a share of people is nobody known, and of items no known id."""
        people, ids = (
            codes.masked_fill(torch.rand(len(codes)) < share, 0)
            for codes in (self.people, self.ids)
        )
        return replace(self, people=people, ids=ids)


class Vectors(nn.Module):
    """One vector a field: the person, the item, its words, each choice and each number.

    An item's vector is that of its id and that of its words added up; that of an id nobody met in
    training stays near zero.

    Args:
        shape: Of the inputs.
        dimension: Length of the vectors.
    """

    content: Tensor
    starts: Tensor

    def __init__(self, shape: Shape, dimension: int) -> None:
        super().__init__()
        self.register_buffer("content", torch.from_numpy(shape.content))
        starts = torch.tensor([0, *shape.choices], dtype=torch.long).cumsum(0)[:-1]
        self.register_buffer("starts", starts)
        self.people = _table(shape.people, dimension)
        self.ids = _table(len(shape.content), dimension)
        self.choices = _table(sum(shape.choices), dimension)
        self.numbers = nn.Parameter(torch.randn(shape.numbers, dimension) * _SPREAD)
        self.words = nn.Linear(shape.content.shape[1], dimension, bias=False)
        self.fields = 2 + len(shape.choices) + shape.numbers

    def item(self, codes: Tensor) -> Tensor:
        """float[..., dimension]."""
        return self.ids(codes) + self.words(self.content[codes])

    def asked(self, batch: Batch) -> Tensor:
        """float[n, dimension], of the item that is asked about."""
        return self.ids(batch.ids) + self.words(self.content[batch.items])

    def forward(self, batch: Batch) -> Tensor:
        """float[n, fields, dimension]."""
        return torch.cat(
            [
                self.people(batch.people)[:, None],
                self.asked(batch)[:, None],
                self.choices(batch.choices + self.starts),
                batch.scaled[:, :, None] * self.numbers,
            ],
            dim=1,
        )


class Linear(nn.Module):
    """The sum of a weight for everything a pair holds: logistic regression.

    Args:
        shape: Of the inputs.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weights = Vectors(shape, 1)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, batch: Batch) -> Tensor:
        """Log-odds, float[n]."""
        return self.weights(batch).sum(dim=(1, 2)) + self.bias


def hidden(width: int, config: BodyConfig) -> nn.Sequential:
    """Hidden layers, from `width` to the last of `config.layers`."""
    layers: list[nn.Module] = []
    for before, after in zip((width, *config.layers), config.layers, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(config.dropout)]
    return nn.Sequential(*layers)


def scored(width: int, config: BodyConfig) -> nn.Sequential:
    """Hidden layers and one number after them."""
    return nn.Sequential(hidden(width, config), nn.Linear(config.layers[-1], 1))


def _table(rows: int, dimension: int) -> nn.Embedding:
    table = nn.Embedding(rows, dimension)
    nn.init.normal_(table.weight, std=_SPREAD)
    return table
