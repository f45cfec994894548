"""Pretraining with the settings of a run: its data, its split, its encoder."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from foretaste.content import TextEncoderConfig
from foretaste.content.pretraining import Pretrained, pretrain
from foretaste.models.sequence.backbone import Backbone
from foretaste.pipeline.config import RunConfig
from foretaste.pipeline.run import Prepared

_LAYERS, _HEADS, _DROPOUT = 2, 2, 0.2


def pretrain_encoder(config: RunConfig, prepared: Prepared, folder: Path) -> Pretrained:
    """Makes the run's encoder know the shop, from its training data alone.

    Raises:
        InputError: As `foretaste.content.pretraining.pretrain`.
    """

    def backbone(dimension: int) -> nn.Module:
        return Backbone(
            dimension=dimension,
            layers=_LAYERS,
            heads=_HEADS,
            length=config.pretraining.history,
            dropout=_DROPOUT,
        )

    return pretrain(
        prepared.split.train,
        folder,
        content=config.content or TextEncoderConfig(),
        config=config.pretraining,
        make_tower=backbone,
    )
