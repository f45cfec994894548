"""What is asked of a pair of a person and an item: one thing, or several goals at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl
from pydantic import Field, field_validator, model_validator

from foretaste.config import Config
from foretaste.data.schema import EVENT_COLUMNS, LABEL

#: What is foreseen where one thing only is asked.
PROBABILITY = "probability"
#: Of labelled events: the moment from which the label is known.
KNOWN_AT = "known_at"
#: Of labelled events: how much was liked, more finely than the label says.
GRADE = "grade"

#: Goals name columns and files.
_PLAIN_NAME = re.compile(r"[\w-]+")


class GoalConfig(Config):
    """One of several things that are asked of the same pair.

    With `acted` and `column`, the label is what stands in the column of the action: the stars of
    a rating that followed, say. A pair without it has no label of this goal.

    Attributes:
        acted: The type of event on the same item in the same session that answers yes.
        column: A column of numbers.
        above: The largest of its numbers that is no interest; by default they are 0 and 1.
        rating: Foresee the numbers themselves, by their squared error.
        grade: A column of numbers of the event that asks, such as stars, that says more finely
            than the label how much was liked. It is known when the label is, and counts and
            rates of the past are of it, too. With `above`, the column itself unless told.
        after: An earlier goal without which this one does not count, such as the click before a
            purchase: the probability of both is learnt from all pairs as that of the first times
            that of this one given the first (ESMM, Ma et al., 2018).
        weight: Of its loss.
    """

    acted: str | None = None
    column: str | None = None
    above: float | None = None
    rating: bool = False
    grade: str | None = None
    after: str | None = None
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _can_be_answered(self) -> GoalConfig:
        if self.acted is None and self.column is None:
            raise ValueError("give acted, a column, or both")
        if self.column is None and (self.above is not None or self.rating):
            raise ValueError("above and rating are about the numbers of a column, so give one")
        if self.rating and (self.above is not None or self.after is not None):
            raise ValueError("a rating is a number, which is neither above one nor after a goal")
        if self.grade is not None and (self.rating or self.acted is not None):
            raise ValueError("grade is for labels in a column: a rating or an action has none")
        return self

    @property
    def graded_by(self) -> str | None:
        """The column that says more finely how much was liked, if any."""
        return self.grade or (self.column if self.above is not None and not self.acted else None)


class QuestionConfig(Config):
    """What interest is: a column that says so, or one type of event that another one follows.

    Attributes:
        column: A column of numbers; with `above`, interest is a number above it, else 0 or 1 (or
            the number itself, where a model is asked for ratings).
        above: The largest number that is no interest.
        shown: The type of the events that ask, such as "view".
        acted: The type of event on the same item in the same session that answers yes.
        grade: As of `GoalConfig`.
        goals: Several things that are asked of every pair, by name, in place of the one; beside
            them only `shown` is given, which goals that have `acted` need.
    """

    column: str | None = None
    above: float | None = None
    shown: str | None = None
    acted: str | None = None
    grade: str | None = None
    goals: dict[str, GoalConfig] = Field(default_factory=dict[str, GoalConfig])

    @model_validator(mode="after")
    def _one_way_of_asking(self) -> QuestionConfig:
        if self.goals:
            if {self.column, self.above, self.acted, self.grade} != {None}:
                raise ValueError("goals say what is asked; beside them give shown alone")
            if self.shown is None and any(goal.acted for goal in self.goals.values()):
                raise ValueError("goals that are acted need shown")
            return self
        if (self.shown is None) != (self.acted is None):
            raise ValueError("give both shown and acted, or neither")
        if self.column is not None and self.shown is not None:
            raise ValueError("give either a column, or shown and acted")
        if self.grade is not None and self.shown is not None:
            raise ValueError("grade is for labels in a column; what is acted has none")
        return self

    @field_validator("goals")
    @classmethod
    def _in_order(cls, goals: dict[str, GoalConfig]) -> dict[str, GoalConfig]:
        earlier: dict[str, GoalConfig] = {}
        for name, goal in goals.items():
            if not _PLAIN_NAME.fullmatch(name) or name in EVENT_COLUMNS:
                raise ValueError(
                    f"'{name}' can't be the name of a goal: letters, digits, '-' and '_', and no "
                    "column of events"
                )
            if goal.after is not None and (goal.after not in earlier or earlier[goal.after].rating):
                raise ValueError(f"'{name}' must come after an earlier goal that is no rating")
            earlier[name] = goal
        return goals

    @property
    def asked(self) -> dict[str, GoalConfig]:
        """The goals; where one thing is asked, that by the name "probability"."""
        if self.goals:
            return self.goals
        column = self.column or (LABEL if self.shown is None else None)
        one = GoalConfig(acted=self.acted, column=column, above=self.above, grade=self.grade)
        return {PROBABILITY: one}


@dataclass(frozen=True)
class Goal:
    """One thing that is foreseen, as models see it.

    Attributes:
        name: Of the goal.
        rating: Whether a number is foreseen, not a probability.
        after: Place of the goal without which this one does not count.
        weight: Of its loss.
        graded: Whether a column says more finely than the label how much was liked.
    """

    name: str = PROBABILITY
    rating: bool = False
    after: int | None = None
    weight: float = 1.0
    graded: bool = False

    @property
    def label(self) -> str:
        """The column of its labels."""
        return label_of(self.name)

    @property
    def known_at(self) -> str:
        """The column of the moments from which these are known."""
        return known_at_of(self.name)

    @property
    def grade(self) -> str:
        """The column of grades, where it is graded."""
        return grade_of(self.name)

    @property
    def columns(self) -> set[str]:
        """What labelled events hold of it."""
        return {self.label, self.known_at} | ({self.grade} if self.graded else set())


def goals_of(config: QuestionConfig, *, rating: bool) -> tuple[Goal, ...]:
    """The goals of a question, in their order.

    Args:
        config: What is asked.
        rating: Whether the one thing that is asked is a number.
    """
    if not config.goals:
        (one,) = config.asked.values()
        return (Goal(rating=rating, graded=not rating and one.graded_by is not None),)
    places = {name: place for place, name in enumerate(config.goals)}
    return tuple(
        Goal(
            name,
            goal.rating,
            None if goal.after is None else places[goal.after],
            goal.weight,
            goal.graded_by is not None,
        )
        for name, goal in config.goals.items()
    )


def label_of(goal: str) -> str:
    """The column of a goal's labels: `label`, or `label:<goal>` where there are several."""
    return LABEL if goal == PROBABILITY else f"{LABEL}:{goal}"


def known_at_of(goal: str) -> str:
    """The column of the moments from which these are known."""
    return KNOWN_AT if goal == PROBABILITY else f"{KNOWN_AT}:{goal}"


def grade_of(goal: str) -> str:
    """The column of its grades: `grade`, or `grade:<goal>` where there are several."""
    return GRADE if goal == PROBABILITY else f"{GRADE}:{goal}"


def labels_in(events: pl.DataFrame) -> list[str]:
    """The columns of labels that labelled events have."""
    return [column for column in events.columns if column.partition(":")[0] == LABEL]


def is_answer(column: str) -> bool:
    """Whether a column of labelled events says what came of them, and so is no feature."""
    return column.partition(":")[0] in (LABEL, KNOWN_AT, GRADE)
