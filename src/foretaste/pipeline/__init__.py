"""The order of a run: read, clean, divide, fit, measure, save."""

from foretaste.pipeline.config import (
    EvaluationConfig,
    ModelSection,
    RunConfig,
    SplitConfig,
    load_config,
)
from foretaste.pipeline.people import Person, look_at_history, look_at_users
from foretaste.pipeline.run import Prepared, Run, evaluate_again, measure, prepare, run
from foretaste.pipeline.starter import starter_config

__all__ = [
    "EvaluationConfig",
    "ModelSection",
    "Person",
    "Prepared",
    "Run",
    "RunConfig",
    "SplitConfig",
    "evaluate_again",
    "load_config",
    "look_at_history",
    "look_at_users",
    "measure",
    "prepare",
    "run",
    "starter_config",
]
