"""Published sequence models by name: the same recommender with other defaults.

Item table, loss and training are the house's, so that a comparison compares backbones and
objectives; each reads the items' words where an encoder is given.
"""

from __future__ import annotations

from foretaste.models.sequence.config import BackboneName, SequenceConfig
from foretaste.models.sequence.model import SequenceRecommender
from foretaste.models.sequence.objectives.augmentation import AugmentationConfig
from foretaste.models.sequence.objectives.joint import AnyObjectiveConfig
from foretaste.models.sequence.objectives.same_target import SameTargetConfig


class GRU4RecConfig(SequenceConfig):
    """Settings of `GRU4Rec`."""

    backbone: BackboneName = "gru"


class GRU4Rec(SequenceRecommender):
    """Gated recurrent units (Hidasi et al., ICLR 2016)."""

    name = "gru4rec"
    config_class = GRU4RecConfig


class NextItNetConfig(SequenceConfig):
    """Settings of `NextItNet`."""

    backbone: BackboneName = "cnn"


class NextItNet(SequenceRecommender):
    """Dilated causal convolutions (Yuan et al., WSDM 2019)."""

    name = "nextitnet"
    config_class = NextItNetConfig


class LRURecConfig(SequenceConfig):
    """Settings of `LRURec`."""

    backbone: BackboneName = "linear_recurrent"


class LRURec(SequenceRecommender):
    """Linear recurrent units (Yue et al., WSDM 2024)."""

    name = "lrurec"
    config_class = LRURecConfig


class BERT4RecConfig(SequenceConfig):
    """Settings of `BERT4Rec`."""

    backbone: BackboneName = "bert4rec"


class BERT4Rec(SequenceRecommender):
    """A transformer that looks both ways (Sun et al., CIKM 2019)."""

    name = "bert4rec"
    config_class = BERT4RecConfig


class CL4SRecConfig(SequenceConfig):
    """Settings of `CL4SRec`."""

    objectives: tuple[AnyObjectiveConfig, ...] = (AugmentationConfig(),)


class CL4SRec(SequenceRecommender):
    """The transformer with contrasted augmentations (Xie et al., ICDE 2022)."""

    name = "cl4srec"
    config_class = CL4SRecConfig


class DuoRecConfig(SequenceConfig):
    """Settings of `DuoRec`."""

    objectives: tuple[AnyObjectiveConfig, ...] = (SameTargetConfig(),)


class DuoRec(SequenceRecommender):
    """The transformer with contrasted sequences of one target (Qiu et al., WSDM 2022)."""

    name = "duorec"
    config_class = DuoRecConfig
