"""The order of a run: read, clean, divide, fit, measure, save."""

from foretaste.pipeline.config import (
    EvaluationConfig,
    ModelSection,
    RunConfig,
    SplitConfig,
    load_config,
)
from foretaste.pipeline.people import Person, look_at_history, look_at_users
from foretaste.pipeline.ranking import ranker_of, similar_items
from foretaste.pipeline.refresh import Refreshed, refresh
from foretaste.pipeline.run import Prepared, Trained, evaluate_again, measure, prepare, train
from foretaste.pipeline.starter import starter_config

__all__ = [
    "EvaluationConfig",
    "ModelSection",
    "Person",
    "Prepared",
    "Refreshed",
    "RunConfig",
    "SplitConfig",
    "Trained",
    "evaluate_again",
    "load_config",
    "look_at_history",
    "look_at_users",
    "measure",
    "prepare",
    "ranker_of",
    "refresh",
    "similar_items",
    "starter_config",
    "train",
]
