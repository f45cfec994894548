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

    A row has at most one place more than the actions read: what follows them. Without a `dropout`
    nothing is dropped: how much suits is known where the data is (`SequenceConfig.for_events`).
    """
    dropout = config.dropout or 0.0
    if config.backbone == "bert4rec":
        return BidirectionalBackbone(
            layers=config.layers,
            dimension=config.dimension,
            heads=config.heads,
            room=config.length + 1,
            dropout=dropout,
        )
    return CausalBackbone(
        _blocks(config, dropout),
        dimension=config.dimension,
        room=config.length + 1,
        dropout=dropout,
    )


def _blocks(config: SequenceConfig, dropout: float) -> nn.Module:
    layers, dimension = config.layers, config.dimension
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
