"""A moving average of weights, which is steadier than the weights themselves."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

#: The average of the first n steps reaches about n / this many back.
_WARMUP = 10

#: A network of so many parameters is averaged at every step, one of twice as many at every second
#: one: the pass over a large item table would otherwise cost more than the step itself.
_PARAMETERS_A_STEP = 2**22


class MovingAverage:
    """Exponential average of a network's parameters (Polyak & Juditsky, 1992).

    At first it is the plain mean of what there is, so that the start is forgotten.

    Args:
        network: Whose parameters are averaged.
        decay: What is kept of the average a step; 0 makes it the parameters themselves.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._parameters = list(network.parameters())
        self.values = [parameter.detach().clone() for parameter in self._parameters]
        size = sum(parameter.numel() for parameter in self._parameters)
        self._every = max(1, round(size / _PARAMETERS_A_STEP))
        self._decay = decay
        self._since = 0
        self.steps = 0

    def update(self) -> None:
        """Takes in the parameters after a step of the optimiser, or leaves it to a later one."""
        self.steps += 1
        self._since += 1
        if self._since == self._every:
            self.catch_up()

    @torch.no_grad()
    def catch_up(self) -> None:
        """Takes in the parameters now, for all steps since that was last done."""
        if not self._since:
            return
        before = self.steps - self._since
        kept = min(self._decay**self._since, before / (before + _WARMUP * self._since))
        torch._foreach_lerp_(self.values, self._parameters, 1 - kept)  # pyright: ignore
        self._since = 0

    @contextmanager
    def applied(self) -> Generator[None]:
        """Gives the network the averaged parameters inside the block."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def restore(self, values: list[Tensor], steps: int) -> None:
        """Goes on from `values` after `steps` steps."""
        self.values = values
        self.steps = steps

    def _exchange(self) -> None:
        for place, parameter in enumerate(self._parameters):
            value = parameter.data
            parameter.data = self.values[place]
            self.values[place] = value
