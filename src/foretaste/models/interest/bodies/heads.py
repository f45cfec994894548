"""The last layers of a network over a pair's features: a number for each goal.

Goals that are learnt together share the vectors of all fields, and as much of the hidden layers as
`BodyConfig.sharing` says.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from foretaste.models.interest.bodies._layers import hidden, scored
from foretaste.models.interest.bodies.base import BodyConfig, Shape
from foretaste.models.interest.question import Goal


def headed(width: int, shape: Shape, config: BodyConfig) -> nn.Module:
    """Layers from float[n, width] to float[n, goals]."""
    if len(shape.goals) == 1:
        return scored(width, config)
    return GoalHead(width, shape.goals, config)


class GoalHead(nn.Module):
    """Hidden layers that goals share in part, and a small tower for each of them.

    The log-odds of a goal that comes after another are those of both: over all pairs,
    ``p(both) = p(first) * p(second given first)``, so that the second is never learnt from the
    few pairs alone that came to the first (ESMM, Ma et al., 2018, equation 5).

    Args:
        width: Of what is read.
        goals: What is foreseen.
        config: Settings.
    """

    def __init__(self, width: int, goals: tuple[Goal, ...], config: BodyConfig) -> None:
        super().__init__()
        kinds = {"vectors": Apart, "bottom": Bottom, "experts": Experts}
        self.shared = kinds[config.sharing](width, len(goals), config)
        last = config.layers[-1]
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Linear(last, last), nn.ReLU(), nn.Linear(last, 1)) for _ in goals
        )
        self._after = [goal.after for goal in goals]

    def forward(self, read: Tensor) -> Tensor:
        """Log-odds, float[n, goals]."""
        found: list[Tensor] = []
        for tower, part, after in zip(self.towers, self.shared(read), self._after, strict=True):
            own = tower(part).squeeze(1)
            found.append(own if after is None else both(found[after], own))
        return torch.stack(found, dim=1)


class Apart(nn.Module):
    """Hidden layers of its own for each goal: nothing but vectors is shared (as in ESMM)."""

    def __init__(self, width: int, goals: int, config: BodyConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(hidden(width, config) for _ in range(goals))

    def forward(self, read: Tensor) -> list[Tensor]:
        """What each goal's tower reads, float[n, last layer]."""
        return [layers(read) for layers in self.layers]


class Bottom(nn.Module):
    """The same hidden layers for all goals: a shared bottom (Caruana, 1997)."""

    def __init__(self, width: int, goals: int, config: BodyConfig) -> None:
        super().__init__()
        self.layers = hidden(width, config)
        self._goals = goals

    def forward(self, read: Tensor) -> list[Tensor]:
        """What each goal's tower reads, float[n, last layer]."""
        return [self.layers(read)] * self._goals


class Experts(nn.Module):
    """Several hidden layers side by side, which each goal mixes by a gate of its own.

    MMoE (Ma et al., KDD 2018, equations 5 to 7).
    """

    def __init__(self, width: int, goals: int, config: BodyConfig) -> None:
        super().__init__()
        self.experts = nn.ModuleList(hidden(width, config) for _ in range(config.experts))
        self.gates = nn.ModuleList(nn.Linear(width, config.experts) for _ in range(goals))

    def forward(self, read: Tensor) -> list[Tensor]:
        """What each goal's tower reads, float[n, last layer]."""
        said = torch.stack([expert(read) for expert in self.experts], dim=1)
        return [(gate(read).softmax(1)[:, :, None] * said).sum(1) for gate in self.gates]


def both(first: Tensor, second: Tensor) -> Tensor:
    """Log-odds of the product of two probabilities, from the log-odds of each; float[n]."""
    first, second = first.float(), second.float()
    # 1 / (p * q) - 1 is what is summed here, and stays exact near 0 and 1.
    return -torch.logsumexp(torch.stack([-first, -second, -first - second]), dim=0)
