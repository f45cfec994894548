"""Measuring models: full-ranking figures with intervals, paired tests, plots."""

from foretaste.evaluation.bootstrap import Estimate
from foretaste.evaluation.cold_start import by_first_actions, by_history_length
from foretaste.evaluation.counterfactual import CounterfactualReport, LoggedFeedback, judge
from foretaste.evaluation.protocol import evaluate
from foretaste.evaluation.report import EvaluationReport, Group
from foretaste.evaluation.significance import Comparison, Difference, compare

__all__ = [
    "Comparison",
    "CounterfactualReport",
    "Difference",
    "Estimate",
    "EvaluationReport",
    "Group",
    "LoggedFeedback",
    "by_first_actions",
    "by_history_length",
    "compare",
    "evaluate",
    "judge",
]
