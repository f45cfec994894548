"""Interest prediction: the probability that this person acts on this item, here and now."""

from foretaste.models.interest.config import InterestConfig
from foretaste.models.interest.model import InterestModel
from foretaste.models.interest.question import (
    DivisionConfig,
    Parts,
    QuestionConfig,
    divide,
    labelled,
)

__all__ = [
    "DivisionConfig",
    "InterestConfig",
    "InterestModel",
    "Parts",
    "QuestionConfig",
    "divide",
    "labelled",
]
