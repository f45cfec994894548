"""Recommenders made of others: a weighted sum, a switch by history length, and stacking."""

from foretaste.models.hybrid.ensemble import Ensemble, EnsembleConfig, MemberConfig
from foretaste.models.hybrid.stacking import StackingConfig, StackingHybrid
from foretaste.models.hybrid.switching import SwitchingConfig, SwitchingHybrid
from foretaste.models.hybrid.weighted import WeightedHybrid

__all__ = [
    "Ensemble",
    "EnsembleConfig",
    "MemberConfig",
    "StackingConfig",
    "StackingHybrid",
    "SwitchingConfig",
    "SwitchingHybrid",
    "WeightedHybrid",
]
