"""The order of a run: read, clean, divide, fit, measure, save."""

from foretaste.pipeline.again import evaluate_again
from foretaste.pipeline.config import (
    EvaluationConfig,
    InterestRunConfig,
    ModelSection,
    RunConfig,
    SplitConfig,
    load_config,
    load_task,
)
from foretaste.pipeline.interest import predict_file, train_interest
from foretaste.pipeline.people import Person, look_at_history, look_at_users
from foretaste.pipeline.ranking import (
    learn_from_feedback,
    ranker_of,
    safe_items,
    serving_ranker,
    similar_items,
)
from foretaste.pipeline.refresh import Refreshed, refresh
from foretaste.pipeline.run import Prepared, Trained, measure, prepare, train
from foretaste.pipeline.starter import interest_starter_config, starter_config

__all__ = [
    "EvaluationConfig",
    "InterestRunConfig",
    "ModelSection",
    "Person",
    "Prepared",
    "Refreshed",
    "RunConfig",
    "SplitConfig",
    "Trained",
    "evaluate_again",
    "interest_starter_config",
    "learn_from_feedback",
    "load_config",
    "load_task",
    "look_at_history",
    "look_at_users",
    "measure",
    "predict_file",
    "prepare",
    "ranker_of",
    "refresh",
    "safe_items",
    "serving_ranker",
    "similar_items",
    "starter_config",
    "train",
    "train_interest",
]
