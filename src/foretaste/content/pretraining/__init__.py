"""Language models that are made to know a shop: its words, and what people do in it."""

from foretaste.content.pretraining.config import PretrainingConfig, ScratchConfig
from foretaste.content.pretraining.pretrain import Pretrained, pretrain

__all__ = ["Pretrained", "PretrainingConfig", "ScratchConfig", "pretrain"]
