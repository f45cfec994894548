"""Dilated causal convolutions: NextItNet (Yuan et al., WSDM 2019)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from foretaste.training import ByteDropout

_KERNEL = 3


class ConvolutionBlock(nn.Module):
    """Two dilated causal convolutions, each after a norm and a ReLU, added to the input.

    The residual block of NextItNet, fig. 3 (b).

    Args:
        dimension: Of the vectors.
        dilation: Of the first convolution; that of the second is twice as wide.
        dropout: Share of activations dropped in training.
    """

    def __init__(self, dimension: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self._dilations = (dilation, 2 * dilation)
        self.norms = nn.ModuleList(nn.LayerNorm(dimension) for _ in range(2))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dimension, dimension, _KERNEL, dilation=wide) for wide in self._dilations
        )
        self.dropout = ByteDropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """float[rows, width, dimension] to the same; no position sees a later one."""
        told = x
        for norm, wide, convolution in zip(
            self.norms, self._dilations, self.convolutions, strict=True
        ):
            before = ((_KERNEL - 1) * wide, 0)
            read = functional.pad(norm(told).relu().transpose(1, 2), before)
            told = convolution(read).transpose(1, 2)
        return x + self.dropout(told)


def convolutions(*, layers: int, dimension: int, dropout: float) -> nn.Module:
    """Blocks whose dilation grows fourfold: `layers` of them see 2 * 4^layers - 1 items back."""
    return nn.Sequential(*(ConvolutionBlock(dimension, 4**n, dropout) for n in range(layers)))
