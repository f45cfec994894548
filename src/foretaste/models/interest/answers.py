"""What labels become to be learnt from, and log-odds to be answered with, goal by goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.errors import DataError
from foretaste.models.interest.calibration import Calibration, Method
from foretaste.models.interest.question import Goal

Floats = NDArray[np.float32]

_RANGES, _GRADES = "answers.ranges", "answers.grades"


@dataclass(frozen=True)
class Answers:
    """How goals are brought to between 0 and 1, and back to what was asked.

    Arrays of one goal are float32[n], those of several float32[n, goals].

    Attributes:
        goals: What is foreseen.
        ranges: float64[goals, 2], the lowest and the highest rating; 0 and 1 of what is no rating.
        grades: float64[goals, 4], the lowest and the highest grade, and its mean for label 0 and
            for label 1; zeros of what is not graded.
        calibrations: Of each goal.
    """

    goals: tuple[Goal, ...]
    ranges: NDArray[np.float64]
    grades: NDArray[np.float64]
    calibrations: tuple[Calibration, ...]

    @classmethod
    def seeing(cls, goals: tuple[Goal, ...], events: pl.DataFrame) -> Self:
        """Sees what labels there are.

        Raises:
            DataError: A goal has no two labels to tell apart, or is no rating and they are
                neither 0 nor 1.
        """
        ranges = np.array([_range(goal, events[goal.label].drop_nulls()) for goal in goals])
        grades = np.array([_grades(goal, events) for goal in goals])
        return cls(goals, ranges, grades, tuple(Calibration.none() for _ in goals))

    def labels(self, events: pl.DataFrame) -> Floats:
        """The labels between 0 and 1; NaN where there is none."""
        return _as_answered([self.labels_of(place, events) for place in range(len(self.goals))])

    def labels_of(self, place: int, events: pl.DataFrame) -> Floats:
        """float32[n], those of the goal at a place."""
        low, high = self.ranges[place]
        values = events[self.goals[place].label].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return ((values - low) / (high - low)).astype(np.float32).clip(0, 1)

    def grades_of(self, place: int, events: pl.DataFrame) -> Floats:
        """float32[n], how much was liked, between 0 and 1: what the label tells if nothing else."""
        low, high, *means = self.grades[place]
        labels = self.labels_of(place, events)
        grades = events[self.goals[place].grade].cast(pl.Float64).fill_null(np.nan).to_numpy()
        grades = np.where(np.isnan(grades), np.where(labels > 0, means[1], means[0]), grades)
        return ((grades - low) / (high - low)).astype(np.float32).clip(0, 1)

    def calibrated(self, method: Method, log_odds: Floats, labels: Floats) -> Self:
        """The same with probabilities that labels which were not learnt from bear out."""
        found: list[Calibration] = []
        for goal, said, actual in zip(
            self.goals, self._columns(log_odds), self._columns(labels), strict=True
        ):
            known = ~np.isnan(actual)
            fitted = Calibration.none()
            if not goal.rating:
                fitted = Calibration.fit(method, said[known], actual[known])
            found.append(fitted)
        return replace(self, calibrations=tuple(found))

    def of(self, log_odds: Floats) -> Floats:
        """Probabilities, and ratings as they were given."""
        found: list[Floats] = []
        for place, said in enumerate(self._columns(log_odds)):
            low, high = (float(end) for end in self.ranges[place])
            answer = low + (high - low) * self.calibrations[place].apply(said)
            after = self.goals[place].after
            # Goals are calibrated one by one, yet both can't be likelier than one of them.
            found.append(answer if after is None else np.minimum(answer, found[after]))
        return _as_answered(found)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The numbers, by name."""
        own: dict[str, NDArray[Any]] = {_RANGES: self.ranges, _GRADES: self.grades}
        for place, calibration in enumerate(self.calibrations):
            own |= {f"answers.{place}.{name}": t for name, t in calibration.tensors().items()}
        return own

    @classmethod
    def restored(cls, goals: tuple[Goal, ...], tensors: Mapping[str, NDArray[Any]]) -> Self:
        """What gave these tensors.

        Raises:
            LookupError: One is missing.
        """
        calibrations = tuple(
            Calibration.restored(within(f"answers.{place}.", tensors))
            for place in range(len(goals))
        )
        return cls(goals, tensors[_RANGES], tensors[_GRADES], calibrations)

    def _columns(self, values: Floats) -> Floats:
        """float32[goals, n]."""
        return values.reshape(len(values), len(self.goals)).T


def _range(goal: Goal, labels: pl.Series) -> tuple[float, float]:
    """The lowest and the highest label, which are what they must be."""
    values = labels.to_numpy()
    if len(np.unique(values)) < 2:
        told = f"all {len(values):,} labels are {values[0]:g}" if len(values) else "no label"
        raise DataError(f"{told}; there is nothing to tell apart.", field=goal.label)
    if goal.rating:
        return float(values.min()), float(values.max())
    strange = values[~np.isin(values, (0, 1))]
    if len(strange):
        raise DataError(
            f"labels must be 0 or 1, and one is {strange[0]:g}.",
            field=goal.label,
            hint="Say question: {above: ...}, or ask for ratings with body: {rating: true} "
            "(rating: true of one of several goals).",
        )
    return 0.0, 1.0


def _grades(goal: Goal, events: pl.DataFrame) -> tuple[float, float, float, float]:
    """Lowest, highest, and the means of the two labels."""
    if not goal.graded:
        return (0.0, 0.0, 0.0, 0.0)
    told = events.select(
        pl.col(goal.grade).cast(pl.Float64).alias("grade"), (pl.col(goal.label) > 0).alias("acted")
    ).drop_nulls()
    grades, acted = told["grade"].to_numpy(), told["acted"].to_numpy()
    if len(np.unique(grades)) < 2:
        raise DataError("it holds no two numbers to tell apart.", field=goal.grade)
    low_liked, liked = (
        float(grades[side].mean() if side.any() else grades.mean()) for side in (~acted, acted)
    )
    return (float(grades.min()), float(grades.max()), low_liked, liked)


def _as_answered(columns: list[Floats]) -> Floats:
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def within(prefix: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The tensors whose names begin so, by the rest of their names."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
