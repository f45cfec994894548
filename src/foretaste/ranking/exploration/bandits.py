"""Bandits: policies that try items out to learn whether they are liked.

All choose among a pool of the best candidates, place by place, from those not yet chosen. The
propensity of a choice is the chance of choosing that item for that place, given the places before
it: what counterfactual evaluation divides by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foretaste.data import PADDING
from foretaste.errors import InputError

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Choice:
    """What a policy chose.

    Attributes:
        columns: int64[people, k], columns of the pool; -1 where the pool was exhausted.
        propensities: float64[people, k], the chance of each choice given those before it.
    """

    columns: NDArray[np.int64]
    propensities: NDArray[np.float64]


class Bandit(Protocol):
    """A policy that learns from rewards."""

    def choose(self, items: NDArray[np.int32], k: int, rng: np.random.Generator) -> Choice:
        """Chooses k of each pool.

        Args:
            items: int32[people, m], item codes, best first; 0 where a pool is smaller.
            k: Places.
            rng: Source of chance.
        """
        ...

    def update(self, items: NDArray[np.int32], rewards: NDArray[np.float64]) -> None:
        """Learns what came of items that were shown.

        Args:
            items: int32[n], item codes.
            rewards: float64[n], from 0 (nothing) to 1 (all one could wish).

        Raises:
            InputError: A reward is outside, or an item unknown.
        """
        ...

    def tensors(self) -> Tensors:
        """What was learnt."""
        ...

    def restore(self, tensors: Mapping[str, NDArray[Any]], new: int = 0) -> None:
        """Takes back what `tensors` gave.

        Args:
            tensors: What was learnt.
            new: How many items, the last ones, came since.

        Raises:
            InputError: It is of another catalogue or policy.
        """
        ...


def epsilon_greedy(
    values: NDArray[np.float64], k: int, epsilon: float, rng: np.random.Generator
) -> Choice:
    """The best candidate left, or with probability epsilon any of those left.

    The propensities are exact: ``epsilon / left``, and ``1 - epsilon`` more for the best.

    Args:
        values: float64[people, m], larger is better; minus infinity where there is no candidate.
        k: Places.
        epsilon: Share of the choices left to chance.
        rng: Source of chance.
    """
    people, rows = len(values), np.arange(len(values))
    values = values.copy()
    columns = np.full((people, k), -1, np.int64)
    propensities = np.ones((people, k))
    for place in range(min(k, values.shape[1])):
        there = values > -np.inf
        left = there.sum(axis=1)
        best = values.argmax(axis=1)
        # The n-th of those left, n drawn evenly.
        nth = (rng.random(people) * left).astype(np.int64)
        drawn = (np.cumsum(there, axis=1) > nth[:, None]).argmax(axis=1)
        chosen = np.where(rng.random(people) < epsilon, drawn, best)
        some = left > 0
        columns[some, place] = chosen[some]
        by_chance = epsilon / np.maximum(left, 1)
        chance = by_chance + (1 - epsilon) * (chosen == best)
        propensities[some, place] = chance[some]
        values[rows, chosen] = -np.inf
    return Choice(columns, propensities)


class EpsilonGreedy:
    """Keeps to the ranking, but for a share of the places; it has nothing to learn.

    Args:
        epsilon: That share.
    """

    def __init__(self, epsilon: float) -> None:
        self._epsilon = epsilon

    def choose(self, items: NDArray[np.int32], k: int, rng: np.random.Generator) -> Choice:
        """Chooses in the order of the pool, or at random; propensities are exact."""
        order = -np.arange(items.shape[1], dtype=np.float64)
        return epsilon_greedy(np.where(items == PADDING, -np.inf, order), k, self._epsilon, rng)

    def update(self, items: NDArray[np.int32], rewards: NDArray[np.float64]) -> None:
        """Learns nothing."""

    def tensors(self) -> Tensors:
        """Nothing."""
        return {}

    def restore(self, tensors: Mapping[str, NDArray[Any]], new: int = 0) -> None:
        """Nothing to take back."""


class Thompson:
    """Thompson sampling with a Beta posterior for every item (Chapelle & Li, 2011).

    For a request, `draws` samples are drawn from the posteriors; each place takes the best item
    left of one of them, picked at random. The propensity is the share of the samples that would
    have chosen the same: a Monte-Carlo estimate, never below ``1 / draws``, with a standard error
    of ``sqrt(p (1 - p) / draws)``.

    Args:
        size: Number of item codes with padding.
        draws: Samples a request.
    """

    def __init__(self, size: int, draws: int) -> None:
        self._draws = draws
        self._liked = np.ones(size)
        self._not_liked = np.ones(size)

    def choose(self, items: NDArray[np.int32], k: int, rng: np.random.Generator) -> Choice:
        """Chooses by samples; propensities are estimates."""
        rows = np.arange(len(items))
        shape = (self._draws, *items.shape)
        samples = rng.beta(self._liked[items], self._not_liked[items], size=shape)
        samples[:, items == PADDING] = -np.inf
        columns = np.full((len(items), k), -1, np.int64)
        propensities = np.ones((len(items), k))
        for place in range(min(k, items.shape[1])):
            best = samples.argmax(axis=2)
            chosen = best[rng.integers(self._draws, size=len(items)), rows]
            some = samples[0, rows, chosen] > -np.inf
            columns[some, place] = chosen[some]
            propensities[some, place] = (best == chosen).mean(axis=0)[some]
            samples[:, rows, chosen] = -np.inf
        return Choice(columns, propensities)

    def update(self, items: NDArray[np.int32], rewards: NDArray[np.float64]) -> None:
        """Counts rewards and their absence."""
        checked_feedback(items, rewards, len(self._liked))
        np.add.at(self._liked, items, rewards)
        np.add.at(self._not_liked, items, 1 - rewards)

    def tensors(self) -> Tensors:
        """The parameters of the posteriors."""
        return {"liked": self._liked.copy(), "not_liked": self._not_liked.copy()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], new: int = 0) -> None:
        """Takes back the posteriors; new items have even ones."""
        known = len(self._liked) - new
        liked = same_shape(tensors, "liked", self._liked[:known])
        not_liked = same_shape(tensors, "not_liked", self._not_liked[:known])
        self._liked = np.pad(liked, (0, new), constant_values=1)
        self._not_liked = np.pad(not_liked, (0, new), constant_values=1)


class LinUCB:
    """LinUCB (Li et al., 2010) with one linear model for all items.

    An item's value is its predicted reward and ``alpha`` times the width of its confidence
    interval, from its vector. Alone that leaves nothing to chance, so a share of the places is
    left to it, as in `epsilon_greedy`, whose propensities are exact.

    Args:
        vectors: float32[items + 1, d], by item code, row 0 for padding.
        alpha: How much uncertainty is worth.
        epsilon: Share of the places left to chance.
    """

    def __init__(self, vectors: NDArray[np.float32], alpha: float, epsilon: float) -> None:
        ones = np.ones((len(vectors), 1))
        self._features = np.concatenate([ones, vectors.astype(np.float64)], axis=1)
        self._alpha, self._epsilon = alpha, epsilon
        d = self._features.shape[1]
        self._precision = np.eye(d)
        self._response = np.zeros(d)

    def choose(self, items: NDArray[np.int32], k: int, rng: np.random.Generator) -> Choice:
        """Chooses by the upper ends of the intervals; ties by the order of the pool."""
        codes, which = np.unique(items, return_inverse=True)
        features = self._features[codes]
        solved = np.linalg.solve(self._precision, np.c_[features.T, self._response])
        width = np.sqrt(np.maximum(np.einsum("nd,dn->n", features, solved[:, :-1]), 0))
        values = features @ solved[:, -1] + self._alpha * width
        # Rounding must not decide between items of which nothing is known.
        values = np.round(values, 6)[which].reshape(items.shape)
        return epsilon_greedy(np.where(items == PADDING, -np.inf, values), k, self._epsilon, rng)

    def update(self, items: NDArray[np.int32], rewards: NDArray[np.float64]) -> None:
        """Adds to the least squares."""
        checked_feedback(items, rewards, len(self._features))
        features = self._features[items]
        self._precision += features.T @ features
        self._response += features.T @ rewards

    def tensors(self) -> Tensors:
        """Both sides of the least squares."""
        return {"precision": self._precision.copy(), "response": self._response.copy()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], new: int = 0) -> None:
        """Takes back the least squares, which foresee for new items too."""
        self._precision = same_shape(tensors, "precision", self._precision)
        self._response = same_shape(tensors, "response", self._response)


def checked_feedback(items: NDArray[np.int32], rewards: NDArray[np.float64], size: int) -> None:
    """Refuses feedback that a policy can't learn from.

    Raises:
        InputError: A reward is outside [0, 1], or an item unknown.
    """
    if not ((rewards >= 0) & (rewards <= 1)).all():
        raise InputError("rewards must be from 0 to 1.", field="rewards")
    if len(items) != len(rewards) or not ((items > PADDING) & (items < size)).all():
        raise InputError("there must be one known item for each reward.", field="items")


def same_shape(tensors: Mapping[str, NDArray[Any]], name: str, now: NDArray[Any]) -> NDArray[Any]:
    """A tensor that has the shape of the one it replaces.

    Raises:
        InputError: It is not there, or has another shape.
    """
    found = tensors.get(name)
    if found is None or found.shape != now.shape:
        raise InputError("the state is of another policy or another catalogue.", field=name)
    return found.astype(now.dtype)
