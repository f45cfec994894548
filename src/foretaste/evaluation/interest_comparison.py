"""Whether two interest models differ, asked about the same pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretaste.data.schema import USER_ID
from foretaste.errors import InputError
from foretaste.evaluation.bootstrap import (
    Estimate,
    Floats,
    Ratios,
    Statistic,
    estimates,
    percentiles,
)
from foretaste.evaluation.interest import InterestReport
from foretaste.models.interest import Goal
from foretaste.models.interest.measures import log_losses

_FIRST, _SECOND, _DIFFERENCE = "first", "second", "difference"


@dataclass(frozen=True)
class InterestDifference:
    """The second model against the first in one figure.

    Attributes:
        goal: What was foreseen.
        history: What was known when it was asked.
        figure: "auc" and "log_loss", of a rating "mae".
        pairs: That have a label.
        first: Of the first model, with its 95% interval.
        second: Of the second.
        difference: second - first, with the interval of the paired bootstrap over people.
    """

    goal: str
    history: str
    figure: str
    pairs: int
    first: Estimate
    second: Estimate
    difference: Estimate

    def __str__(self) -> str:
        return (
            f"{self.goal}, known: {self.history}, {self.figure}  {self.first.value:.4f} -> "
            f"{self.second.value:.4f}  difference {self.difference}"
        )


@dataclass(frozen=True)
class InterestComparison:
    """Two models on the same pairs of the same split."""

    first: str
    second: str
    fingerprint: str
    differences: tuple[InterestDifference, ...]

    def __str__(self) -> str:
        title = f"{self.first} -> {self.second}  split {self.fingerprint[:12]}"
        return "\n".join([title, *(f"  {difference}" for difference in self.differences)])

    def to_dict(self) -> dict[str, Any]:
        """The comparison, JSON-ready."""
        return asdict(self) | {"differences": [asdict(one) for one in self.differences]}


def compare_interest(
    first: InterestReport, second: InterestReport, *, resamples: int = 1000, seed: int = 0
) -> InterestComparison:
    """The differences between two reports, with intervals.

    A resample draws people and takes all their pairs (Efron & Tibshirani, 1993), for the pairs
    of one person are not independent; both models see the same draws.

    Args:
        first: The report to compare with.
        second: The report to compare.
        resamples: Of the bootstrap.
        seed: Of its draws.

    Raises:
        InputError: The reports answer different questions.
    """
    _check_same_question(first, second)
    found = [
        difference
        for goal in first.goals
        for history in first.histories
        if history in second.histories
        for difference in differences(first, second, goal, history, resamples=resamples, seed=seed)
    ]
    return InterestComparison(first.model, second.model, first.fingerprint, tuple(found))


def differences(
    first: InterestReport,
    second: InterestReport,
    goal: Goal,
    history: str,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> list[InterestDifference]:
    """Those in the figures of one goal, with one history: AUC and log loss, or the mean error.

    A figure without meaning here, such as the AUC of labels all alike, is left out.
    """
    labels, one = first.labels_and_answers(history, goal)
    _, other = second.labels_and_answers(history, goal)
    if not len(labels):
        return []
    people = first.answers.drop_nulls(goal.label)[USER_ID].rank("dense").to_numpy() - 1
    pairs = Pairs(people.astype(np.int64), labels, (one, other))
    found: list[InterestDifference] = []
    for figure, statistic in pairs.statistics(goal).items():
        intervals = estimates([statistic], pairs.people_there, resamples=resamples, seed=seed)
        if intervals:
            found.append(InterestDifference(goal.name, history, figure, len(labels), **intervals))
    return found


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs with what two models said of them.

    Attributes:
        people: int64[n], whose pair it is.
        labels: float[n].
        said: Of each model, float[n].
    """

    people: NDArray[np.int64]
    labels: NDArray[np.floating]
    said: Sequence[NDArray[np.floating]]

    @property
    def people_there(self) -> int:
        """As many as the largest number of a person says."""
        return int(self.people.max(initial=0)) + 1

    def statistics(self, goal: Goal) -> dict[str, Statistic]:
        """What is compared, by name."""
        if goal.rating:
            return {"mae": self._mean([np.abs(said - self.labels) for said in self.said])}
        aucs = AUCDifference(self.people, self.labels, self.said)
        losses = [log_losses(self.labels, said) for said in self.said]
        return {"auc": aucs, "log_loss": self._mean(losses)}

    def _mean(self, values: Sequence[NDArray[np.floating]]) -> Ratios:
        first, second = values
        columns = (first, second, second - first)
        sums = [self._sums(column) for column in columns]
        counts = [self._sums(np.ones(len(self.labels)))] * len(columns)
        names = (_FIRST, _SECOND, _DIFFERENCE)
        return Ratios(names, np.stack(sums, axis=1), np.stack(counts, axis=1))

    def _sums(self, values: NDArray[np.floating]) -> Floats:
        return np.bincount(self.people, values, self.people_there).astype(np.float64)


class AUCDifference:
    """The AUC of two models over all pairs of a weighted group of people, and their difference.

    Args:
        people: int64[n], whose pair it is.
        labels: float[n], 0 or 1.
        said: Of each model, float[n].
    """

    names = (_FIRST, _SECOND, _DIFFERENCE)

    def __init__(
        self,
        people: NDArray[np.int64],
        labels: NDArray[np.floating],
        said: Sequence[NDArray[np.floating]],
    ) -> None:
        self._people, self._wanted, self._said = people, labels > 0, said
        self.width = 4 * len(labels)

    def __call__(self, weights: Floats) -> Floats:
        """The figures under each row of weights."""
        first, second = (self._auc(said, weights) for said in self._said)
        return np.stack([first, second, second - first], axis=1)

    def interval(self, observed: Floats, resampled: Floats) -> tuple[Floats, Floats]:
        """The percentile interval. A resample without both labels has no AUC: left out."""
        return percentiles(resampled)

    def _auc(self, said: NDArray[np.floating], weights: Floats) -> Floats:
        """How often a pair with label 1 is above one with label 0; ties count half."""
        order = np.argsort(said, kind="stable")
        drawn, wanted = weights[:, self._people[order]], self._wanted[order]
        ties = np.flatnonzero(np.diff(said[order], prepend=np.nan) != 0)
        ones = np.add.reduceat(drawn * wanted, ties, axis=1)
        zeros = np.add.reduceat(drawn * ~wanted, ties, axis=1)
        below = np.cumsum(zeros, axis=1) - zeros / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return (ones * below).sum(axis=1) / (ones.sum(axis=1) * zeros.sum(axis=1))


def _check_same_question(first: InterestReport, second: InterestReport) -> None:
    if first.fingerprint != second.fingerprint:
        raise InputError(
            f"the reports are of different pairs: their splits are {first.fingerprint[:12]} and "
            f"{second.fingerprint[:12]}.",
            field="fingerprint",
            hint="Train both on the same data, asked the same question.",
        )
    names = [[goal.name for goal in report.goals] for report in (first, second)]
    if names[0] != names[1]:
        raise InputError(
            f"the reports are of different goals: {', '.join(names[0])} and {', '.join(names[1])}.",
            field="goals",
        )
    if not set(first.histories) & set(second.histories):
        raise InputError("the reports share no history.", field="histories")
