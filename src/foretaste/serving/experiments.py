"""Experiments: who is in which arm, whether chance divided them well, and what came of it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Final

from scipy.stats import chisquare, norm

from foretaste.serving.config import ExperimentConfig, VariantConfig
from foretaste.serving.store.base import Answer, Event, Store

#: Below this p-value the arms are not divided as they were meant to be (Fabijan et al., "Diagnosing
#: sample ratio mismatch in online controlled experiments", KDD 2019).
MISMATCH: Final = 0.0005
_Z: Final = float(norm.ppf(0.975))


def variant_of(experiment: ExperimentConfig, person: str) -> VariantConfig:
    """The arm of a person: by a hash of the experiment's name and theirs, always the same."""
    digest = hashlib.sha256(f"{experiment.name}\0{person}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64 * sum(arm.share for arm in experiment.variants)
    for arm in experiment.variants:
        place -= arm.share
        if place < 0:
            return arm
    return experiment.variants[-1]


@dataclass(frozen=True)
class Arm:
    """What came of one arm.

    Attributes:
        name: Of the variant.
        people: Who got an answer.
        successes: Those of them who acted on one, by an event of the goal that names it.
        rate: Successes a person.
        difference: Of the rate to that of the first arm.
        low: Lower end of the 95% interval of the difference (Newcombe, 1998).
        high: Upper end.
    """

    name: str
    people: int
    successes: int
    rate: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class ExperimentReport:
    """What an experiment has shown so far.

    Attributes:
        name: Of the experiment.
        arms: In their order.
        ratio_p: Of people as they are divided, if chance did it by the shares (chi-square).
        mismatch: Whether that is so unlikely that the figures must not be believed.
    """

    name: str
    arms: tuple[Arm, ...]
    ratio_p: float
    mismatch: bool


def report_on(experiment: ExperimentConfig, store: Store) -> ExperimentReport:
    """Counts people and successes of each arm; one person counts once."""
    people: defaultdict[str, set[str]] = defaultdict(set)
    asked: dict[str, tuple[str, str]] = {}
    for block in store.answers_since(0):
        _count_answers(experiment, block, people, asked)
    succeeded: defaultdict[str, set[str]] = defaultdict(set)
    for block in store.events_after(0):
        for arm, person in _successes(experiment, (event for _, event in block), asked):
            succeeded[arm].add(person)
    counts = [
        (arm.name, len(people[arm.name]), len(succeeded[arm.name])) for arm in experiment.variants
    ]
    return _report(experiment, counts)


def _count_answers(
    experiment: ExperimentConfig,
    answers: Iterable[Answer],
    people: defaultdict[str, set[str]],
    asked: dict[str, tuple[str, str]],
) -> None:
    for answer in answers:
        name, _, arm = (answer.experiment or "").partition(":")
        if name == experiment.name:
            person = answer.user_id or answer.recommendation_id
            people[arm].add(person)
            asked[answer.recommendation_id] = (arm, person)


def _successes(
    experiment: ExperimentConfig, events: Iterable[Event], asked: dict[str, tuple[str, str]]
) -> Iterable[tuple[str, str]]:
    for event in events:
        if event.event_type == experiment.goal and event.recommendation_id in asked:
            yield asked[event.recommendation_id]


def _report(experiment: ExperimentConfig, counts: list[tuple[str, int, int]]) -> ExperimentReport:
    _, first_people, first_successes = counts[0]
    arms = []
    for name, people, successes in counts:
        low, high = _newcombe(successes, people, first_successes, first_people)
        rate = successes / people if people else 0.0
        base = first_successes / first_people if first_people else 0.0
        arms.append(Arm(name, people, successes, rate, rate - base, low, high))
    seen = Counter({arm.name: arm.people for arm in arms})
    total, shares = seen.total(), sum(arm.share for arm in experiment.variants)
    p = 1.0
    if total:
        expected = [total * arm.share / shares for arm in experiment.variants]
        p = float(chisquare([seen[arm.name] for arm in experiment.variants], expected).pvalue)
    return ExperimentReport(experiment.name, tuple(arms), p, p < MISMATCH)


def _wilson(successes: int, people: int) -> tuple[float, float]:
    if not people:
        return 0.0, 1.0
    rate, z2 = successes / people, _Z**2
    middle = (rate + z2 / (2 * people)) / (1 + z2 / people)
    half = _Z / (1 + z2 / people) * sqrt(rate * (1 - rate) / people + z2 / (4 * people**2))
    return middle - half, middle + half


def _newcombe(a: int, n: int, b: int, m: int) -> tuple[float, float]:
    """95% interval of a/n - b/m from two Wilson intervals (Newcombe, 1998, method 10)."""
    if not n or not m:
        return -1.0, 1.0
    p, q = a / n, b / m
    (p_low, p_high), (q_low, q_high) = _wilson(a, n), _wilson(b, m)
    return (
        p - q - sqrt((p - p_low) ** 2 + (q_high - q) ** 2),
        p - q + sqrt((p_high - p) ** 2 + (q - q_low) ** 2),
    )
