"""Interest prediction: the probability that this person acts on this item, here and now."""

from foretaste.models.interest.config import InterestConfig
from foretaste.models.interest.division import DivisionConfig, Parts, divide
from foretaste.models.interest.labels import labelled
from foretaste.models.interest.model import InterestModel
from foretaste.models.interest.question import Goal, GoalConfig, QuestionConfig

__all__ = [
    "DivisionConfig",
    "Goal",
    "GoalConfig",
    "InterestConfig",
    "InterestModel",
    "Parts",
    "QuestionConfig",
    "divide",
    "labelled",
]
