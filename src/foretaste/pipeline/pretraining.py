"""Pretraining with the settings of a run: its data, its split, its encoder."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from foretaste.content import TextEncoderConfig
from foretaste.content.pretraining import Pretrained, PretrainingConfig, pretrain
from foretaste.data import Dataset
from foretaste.models.sequence import SequenceConfig
from foretaste.models.sequence.network import SequenceNetwork
from foretaste.pipeline.config import RunConfig
from foretaste.pipeline.run import Prepared


def pretrain_encoder(config: RunConfig, prepared: Prepared, folder: Path) -> Pretrained:
    """Makes the run's encoder know the shop, from its training data alone.

    Raises:
        InputError: As `foretaste.content.pretraining.pretrain`.
    """
    content = config.content or TextEncoderConfig()
    return pretrain_on(prepared.split.train, folder, content, config.pretraining)


def pretrain_on(
    train: Dataset, folder: Path, content: TextEncoderConfig, config: PretrainingConfig
) -> Pretrained:
    """`pretrain` with the sequence model's backbone as the user tower where one is asked for."""

    def backbone(dimension: int) -> nn.Module:
        shape = SequenceConfig(dimension=dimension, length=config.history, dropout=0.2)
        return SequenceNetwork(shape, items=0, base=None).backbone

    return pretrain(train, folder, content=content, config=config, make_tower=backbone)
