"""Linear recurrence, computed for all positions at once: LRURec (Yue et al., WSDM 2024)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.training import ByteDropout

#: Of what is remembered, how much is left after an action: where training starts from, per unit.
_LEAST, _MOST = 0.8, 0.99


class LinearRecurrence(nn.Module):
    """A diagonal complex recurrence: ``h_t = λ h_{t-1} + γ B x_t``, ``y_t = Re(C h_t) + D x_t``.

    The linear recurrent unit of Orvieto et al. (ICML 2023): ``|λ| = exp(-exp(ν))`` is below 1
    whatever is learnt, so that nothing grows without bound, and γ keeps the scale of the input.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        modulus = torch.sqrt(torch.empty(dimension).uniform_(_LEAST**2, _MOST**2))
        self.log_rate = nn.Parameter((-modulus.log()).log())
        self.angle = nn.Parameter(torch.empty(dimension).uniform_(0, 2 * math.pi))
        self.enter = nn.Linear(dimension, 2 * dimension)
        self.leave = nn.Linear(2 * dimension, dimension)
        self.skip = nn.Parameter(torch.ones(dimension))

    def forward(self, x: Tensor) -> Tensor:
        """float[rows, width, dimension] to the same; no position sees a later one."""
        log_modulus = -self.log_rate.exp()
        kept = torch.polar(log_modulus.exp(), self.angle)
        scale = (-torch.expm1(2 * log_modulus)).sqrt()
        entered = torch.view_as_complex(self.enter(x).float().unflatten(-1, (-1, 2)))
        states = recurrence(scale * entered, kept)
        return self.leave(torch.view_as_real(states).flatten(-2)) + self.skip * x


def recurrence(x: Tensor, kept: Tensor) -> Tensor:
    """``h_t = kept * h_{t-1} + x_t`` for all t in log2(width) steps.

    Each step doubles how far back a sum reaches (Hillis & Steele, 1986). Powers of `kept` are all
    that is multiplied, so with ``|kept| < 1`` nothing overflows, and no division ever undoes one.

    Args:
        x: complex[rows, width, d].
        kept: complex[d].

    Returns:
        complex[rows, width, d].
    """
    reach = 1
    while reach < x.shape[1]:
        x = x + functional.pad(kept * x[:, :-reach], (0, 0, reach, 0))
        kept = kept * kept
        reach *= 2
    return x


class RecurrentBlock(nn.Module):
    """A linear recurrence and a feed-forward network, each after a norm and added to its input."""

    def __init__(self, dimension: int, dropout: float) -> None:
        super().__init__()
        self.recurrence_norm = nn.LayerNorm(dimension)
        self.recurrence = LinearRecurrence(dimension)
        self.forward_norm = nn.LayerNorm(dimension)
        self.feed_forward = nn.Sequential(
            nn.Linear(dimension, 4 * dimension), nn.GELU(), nn.Linear(4 * dimension, dimension)
        )
        self.dropout = ByteDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """float[rows, width, dimension] to the same; no position sees a later one."""
        x = x + self.dropout(self.recurrence(self.recurrence_norm(x)))
        return x + self.dropout(self.feed_forward(self.forward_norm(x)))
