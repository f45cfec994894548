"""Measuring models: full-ranking figures with intervals, paired tests, plots."""

from foretaste.evaluation.bootstrap import Estimate
from foretaste.evaluation.protocol import evaluate
from foretaste.evaluation.report import EvaluationReport, Group
from foretaste.evaluation.significance import Comparison, Difference, compare

__all__ = [
    "Comparison",
    "Difference",
    "Estimate",
    "EvaluationReport",
    "Group",
    "compare",
    "evaluate",
]
