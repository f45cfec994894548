"""Trying items out, with the chances written down."""

from foretaste.ranking.exploration.bandits import Bandit, EpsilonGreedy, LinUCB, Thompson
from foretaste.ranking.exploration.feedback import (
    checked_rewards,
    restore_bandit,
    rewards_of,
    save_bandit,
)
from foretaste.ranking.exploration.stage import Exploration, ExplorationConfig, make_bandit

__all__ = [
    "Bandit",
    "EpsilonGreedy",
    "Exploration",
    "ExplorationConfig",
    "LinUCB",
    "Thompson",
    "checked_rewards",
    "make_bandit",
    "restore_bandit",
    "rewards_of",
    "save_bandit",
]
