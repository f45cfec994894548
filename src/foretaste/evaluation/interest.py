"""How well interest was foreseen: order, belief, and decisions at a threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data.schema import USER_ID
from foretaste.metrics import ndcg
from foretaste.models.interest import Goal, InterestModel, Parts
from foretaste.models.interest.measures import auc, ece, gauc, list_hits, log_loss, uauc

#: What may be known when the test is asked about; see `Parts.known`.
History = Literal["train", "validation", "streaming"]

_LIST = 10
_FIGURES = ("auc", "uauc", "gauc", "log_loss", "ece", "accuracy", "f1", "rmse", "mae")


@dataclass(frozen=True)
class InterestReport:
    """What was measured of an interest model.

    Attributes:
        model: Its bodies.
        split: Kind of the division.
        fingerprint: Of the division.
        pairs: Test pairs.
        threshold: From which probability on a pair counts as foreseen.
        histories: Figures by what was known: `auc`, `uauc` (mean over people who have both
            labels), `gauc` (the same weighted by pairs), `log_loss`, `brier`, `ece`, `accuracy`,
            `precision`, `recall`, `f1`, `ndcg@10` of each person's pairs as a list, and the
            confusion matrix; of ratings `rmse` and `mae`. Where several goals are foreseen, the
            name of the goal goes before each: `cart: auc`.
        goals: What was foreseen.
        answers: One row a test pair: `user_id`, the label of each goal and, by history and goal
            (see `answer_of`), what was said.
    """

    model: str
    split: str
    fingerprint: str
    pairs: int
    threshold: float
    histories: dict[str, dict[str, float]]
    goals: tuple[Goal, ...]
    answers: pl.DataFrame = field(compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the answers."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del values["answers"]
        return values | {"goals": [asdict(goal) for goal in self.goals]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], answers: pl.DataFrame) -> Self:
        """What gave these.

        Raises:
            LookupError: Something is missing.
            TypeError: Something is not known.
        """
        goals = tuple(Goal(**goal) for goal in values["goals"])
        told: dict[str, Any] = {**values, "goals": goals, "answers": answers}
        return cls(**told)

    def figure(self, history: str, goal: Goal, name: str) -> float | None:
        """A figure of a goal; None where it has no meaning."""
        return self.histories[history].get(figure_of(self.goals, goal, name))

    def labels_and_answers(
        self, history: str, goal: Goal
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of the pairs that have a label of a goal, that and what was said; float32[n] each."""
        rows = self.answers.drop_nulls(goal.label)
        return rows[goal.label].to_numpy(), rows[answer_of(history, goal)].to_numpy()

    def __str__(self) -> str:
        lines = [
            f"{self.model} on {self.pairs:,} test pairs, {self.split} split "
            f"{self.fingerprint[:12]}, threshold {self.threshold:g}"
        ]
        for history in self.histories:
            for goal in self.goals:
                named = {name: self.figure(history, goal, name) for name in _FIGURES}
                told = [f"{name} {value:.4f}" for name, value in named.items() if value is not None]
                title = f"{goal.name}, " if len(self.goals) > 1 else ""
                lines.append(f"  {title}known: {history:<11} {'  '.join(told)}")
        return "\n".join(lines)


def figure_of(goals: Sequence[Goal], goal: Goal, figure: str) -> str:
    """How a figure of a goal is named in a report."""
    return figure if len(goals) == 1 else f"{goal.name}: {figure}"


def answer_of(history: str, goal: Goal) -> str:
    """The column of a report's answers that holds what was said."""
    return f"{history}: {goal.name}"


def evaluate_interest(
    model: InterestModel,
    parts: Parts,
    *,
    histories: Sequence[History] = ("validation", "streaming"),
    threshold: float = 0.5,
) -> InterestReport:
    """Measures a model on the test pairs, by what it may know when it is asked.

    The model is left remembering all events.

    Args:
        model: Fitted on `parts.train`.
        parts: Labelled events.
        histories: What may be known.
        threshold: From which probability on a pair counts as foreseen.
    """
    test, goals = parts.test, model.goals
    answers = test.events.select(USER_ID, *(goal.label for goal in goals))
    found: dict[str, dict[str, float]] = {}
    for history in histories:
        model.remember(parts.known(history))
        said = model.predict(test.events).reshape(len(test), len(goals))
        found[history] = {}
        for place, goal in enumerate(goals):
            answers = answers.with_columns(pl.Series(answer_of(history, goal), said[:, place]))
            known = test.events[goal.label].is_not_null().to_numpy()
            labels = test.events[goal.label].to_numpy()[known]
            if not len(labels):
                continue
            if goal.rating:
                values = rating_figures(labels, said[known, place])
            else:
                values = figures(test.user_codes[known], labels, said[known, place], threshold)
            for name, value in values.items():
                found[history][figure_of(goals, goal, name)] = value
    model.remember(parts.known("streaming"))
    return InterestReport(
        "+".join(model.config.bodies),
        parts.kind,
        parts.fingerprint,
        len(test),
        threshold,
        found,
        goals,
        answers,
    )


def figures(
    people: NDArray[np.integer],
    labels: NDArray[np.floating],
    said: NDArray[np.floating],
    threshold: float = 0.5,
) -> dict[str, float]:
    """All figures of probabilities; those that have no meaning here are left out.

    Args:
        people: int[n].
        labels: float[n], 0 or 1.
        said: float[n], probabilities.
        threshold: From which probability on a pair counts as foreseen.
    """
    hits, relevant = list_hits(people, labels, said, _LIST)
    values = {
        "auc": auc(labels, said),
        "uauc": uauc(people, labels, said),
        "gauc": gauc(people, labels, said),
        "log_loss": log_loss(labels, said),
        "brier": float(np.mean((said - labels) ** 2)),
        "ece": ece(labels, said),
        f"ndcg@{_LIST}": float(ndcg(hits, relevant).mean()) if len(hits) else np.nan,
    }
    values |= _decisions(labels > 0, said >= threshold)
    return {name: value for name, value in values.items() if np.isfinite(value)}


def rating_figures(ratings: NDArray[np.floating], said: NDArray[np.floating]) -> dict[str, float]:
    """Root mean squared and mean absolute error."""
    wrong = said - ratings
    return {"rmse": float(np.sqrt(np.mean(wrong**2))), "mae": float(np.abs(wrong).mean())}


def _decisions(wanted: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> dict[str, float]:
    """The confusion matrix and what follows from it."""
    hit, miss = int((wanted & chosen).sum()), int((wanted & ~chosen).sum())
    false, rest = int((~wanted & chosen).sum()), int((~wanted & ~chosen).sum())
    precision, recall = hit / max(hit + false, 1), hit / max(hit + miss, 1)
    return {
        "accuracy": (hit + rest) / len(wanted),
        "precision": precision,
        "recall": recall,
        "f1": 2 * hit / max(2 * hit + false + miss, 1),
        "precision of 0": rest / max(rest + miss, 1),
        "recall of 0": rest / max(rest + false, 1),
        "true positives": hit,
        "false positives": false,
        "false negatives": miss,
        "true negatives": rest,
    }
