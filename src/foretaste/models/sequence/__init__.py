"""The sequence model: item table, backbones, objectives, and the recommenders made of them."""

from foretaste.models.sequence.config import SequenceConfig
from foretaste.models.sequence.model import SequenceRecommender
from foretaste.models.sequence.next_action import NextAction, NextActionConfig
from foretaste.models.sequence.presets import (
    BERT4Rec,
    CL4SRec,
    DuoRec,
    GRU4Rec,
    LRURec,
    NextItNet,
)
from foretaste.models.sequence.transfer import is_another_shop, transferred

__all__ = [
    "BERT4Rec",
    "CL4SRec",
    "DuoRec",
    "GRU4Rec",
    "LRURec",
    "NextAction",
    "NextActionConfig",
    "NextItNet",
    "SequenceConfig",
    "SequenceRecommender",
    "is_another_shop",
    "transferred",
]
