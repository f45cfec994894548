"""What is never shown, and to whom."""

from foretaste.ranking.safety.classifier import HarmClassifier
from foretaste.ranking.safety.gate import AgeConfig, HarmConfig, SafetyConfig, SafetyGate
from foretaste.ranking.safety.measuring import HarmReport, measure_harm
from foretaste.ranking.safety.review import ReviewQueue

__all__ = [
    "AgeConfig",
    "HarmClassifier",
    "HarmConfig",
    "HarmReport",
    "ReviewQueue",
    "SafetyConfig",
    "SafetyGate",
    "measure_harm",
]
