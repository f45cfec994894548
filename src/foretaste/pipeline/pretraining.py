"""Pretraining with the settings of a run: its data, its split, its encoder."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from foretaste.content import TextEncoderConfig
from foretaste.content.pretraining import Pretrained, pretrain
from foretaste.models.sequence import SequenceConfig
from foretaste.models.sequence.network import SequenceNetwork
from foretaste.pipeline.config import RunConfig
from foretaste.pipeline.run import Prepared


def pretrain_encoder(config: RunConfig, prepared: Prepared, folder: Path) -> Pretrained:
    """Makes the run's encoder know the shop, from its training data alone.

    Raises:
        InputError: As `foretaste.content.pretraining.pretrain`.
    """

    def backbone(dimension: int) -> nn.Module:
        shape = SequenceConfig(dimension=dimension, length=config.pretraining.history)
        return SequenceNetwork(shape, items=0, base=None).backbone

    return pretrain(
        prepared.split.train,
        folder,
        content=config.content or TextEncoderConfig(),
        config=config.pretraining,
        make_tower=backbone,
    )
