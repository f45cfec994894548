"""The backbone that a configuration names."""

from __future__ import annotations

from torch import nn

from foretaste.models.sequence.backbones.base import Backbone
from foretaste.models.sequence.backbones.bidirectional import BidirectionalBackbone
from foretaste.models.sequence.backbones.causal import CausalBackbone
from foretaste.models.sequence.backbones.convolution import convolutions
from foretaste.models.sequence.backbones.linear_recurrent import RecurrentBlock
from foretaste.models.sequence.backbones.recurrent import Recurrent
from foretaste.models.sequence.backbones.transformer import GatedBlocks
from foretaste.models.sequence.config import SequenceConfig


def build_backbone(config: SequenceConfig) -> Backbone:
    """A new backbone; its weights are drawn by torch's randomness.

    A row has at most one place more than the actions read: what follows them.
    """
    if config.backbone == "bert4rec":
        return BidirectionalBackbone(
            layers=config.layers,
            dimension=config.dimension,
            heads=config.heads,
            room=config.length + 1,
            dropout=config.dropout,
        )
    return CausalBackbone(
        _blocks(config), dimension=config.dimension, room=config.length + 1, dropout=config.dropout
    )


def _blocks(config: SequenceConfig) -> nn.Module:
    layers, dimension, dropout = config.layers, config.dimension, config.dropout
    match config.backbone:
        case "gru" | "lstm" as kind:
            return Recurrent(kind, layers=layers, dimension=dimension, dropout=dropout)
        case "cnn":
            return convolutions(layers=layers, dimension=dimension, dropout=dropout)
        case "linear_recurrent":
            return nn.Sequential(*(RecurrentBlock(dimension, dropout) for _ in range(layers)))
        case _:
            return GatedBlocks(
                layers=layers,
                dimension=dimension,
                heads=config.heads,
                room=config.length + 1,
                dropout=dropout,
            )
