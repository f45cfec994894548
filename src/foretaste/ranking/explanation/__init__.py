"""Reasons for recommendations, and the measure of whether they are true."""

from foretaste.ranking.explanation.case import Case
from foretaste.ranking.explanation.contributions import (
    Additive,
    Explainer,
    exact,
    leave_one_out,
)
from foretaste.ranking.explanation.drivers import category_drivers, field_drivers
from foretaste.ranking.explanation.explain import Evidence, Explanation, explain
from foretaste.ranking.explanation.faithfulness import (
    SHARES,
    Faithfulness,
    judge_explanations,
)
from foretaste.ranking.explanation.gradients import Differentiable, integrated_gradients
from foretaste.ranking.explanation.naming import explain_score, explainer_for, named_evidence
from foretaste.ranking.explanation.words import LikenessParts, likeness_parts

__all__ = [
    "SHARES",
    "Additive",
    "Case",
    "Differentiable",
    "Evidence",
    "Explainer",
    "Explanation",
    "Faithfulness",
    "LikenessParts",
    "category_drivers",
    "exact",
    "explain",
    "explain_score",
    "explainer_for",
    "field_drivers",
    "integrated_gradients",
    "judge_explanations",
    "leave_one_out",
    "likeness_parts",
    "named_evidence",
]
