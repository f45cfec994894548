"""The stage that lets a bandit fill the first places, and writes down the chances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from foretaste.config import Config
from foretaste.data import PADDING
from foretaste.errors import ConfigError
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.catalogue import Catalogue
from foretaste.ranking.exploration.bandits import Bandit, EpsilonGreedy, LinUCB, Thompson
from foretaste.ranking.stage import Outcome, Request


class ExplorationConfig(Config):
    """How items are tried out.

    Attributes:
        policy: What chooses.
        top: Among how many of the best candidates.
        epsilon: Of `epsilon-greedy` and `linucb`: share of the places left to chance.
        alpha: Of `linucb`: how much uncertainty is worth.
        draws: Of `thompson`: samples of the posterior a request.
    """

    policy: Literal["epsilon-greedy", "thompson", "linucb"] = "epsilon-greedy"
    top: int = Field(default=50, ge=2)
    epsilon: float = Field(default=0.1, ge=0, le=1)
    alpha: float = Field(default=1.0, ge=0)
    draws: int = Field(default=100, ge=10)


def make_bandit(config: ExplorationConfig, catalogue: Catalogue) -> Bandit:
    """The policy that a configuration describes, without experience.

    Raises:
        ConfigError: LinUCB has no vectors to tell items apart by.
    """
    if config.policy == "epsilon-greedy":
        return EpsilonGreedy(config.epsilon)
    if config.policy == "thompson":
        return Thompson(catalogue.size, config.draws)
    if catalogue.vectors is None:
        raise ConfigError(
            "linucb needs content vectors.",
            field="ranking.exploration.policy",
            hint="Give the run a section 'content', or choose thompson.",
        )
    return LinUCB(catalogue.vectors, config.alpha, config.epsilon)


@dataclass(frozen=True)
class Exploration:
    """Fills the places of a page by a bandit, from the best candidates.

    What the bandit did not choose follows in its old order.

    Attributes:
        bandit: The policy.
        top: How many candidates it may choose among.
    """

    bandit: Bandit
    top: int
    name: str = "exploration"

    def __call__(self, lists: CandidateLists, request: Request) -> Outcome:
        """Reorders every list; nothing is left out."""
        pool = lists.grid(self.top)
        items = np.where(pool < 0, PADDING, lists.items.values[pool])
        rng = np.random.default_rng(request.seed)
        choice = self.bandit.choose(items, min(request.k, items.shape[1]), rng)
        rows, places = np.nonzero(choice.columns >= 0)
        chosen = pool[rows, choice.columns[rows, places]]
        key = lists.places + lists.items.lengths.max(initial=0)
        key[chosen] = places
        propensities = lists.propensities.copy()
        propensities[chosen] = choice.propensities[rows, places]
        order = np.lexsort((key, lists.rows))
        return Outcome(lists.with_propensities(propensities).arranged(order))
