"""How well interest was foreseen: order, belief, and decisions at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foretaste.data.schema import LABEL
from foretaste.metrics import ndcg
from foretaste.models.interest import InterestModel, Parts
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
            confusion matrix; of ratings `rmse` and `mae`.
    """

    model: str
    split: str
    fingerprint: str
    pairs: int
    threshold: float
    histories: dict[str, dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{self.model} on {self.pairs:,} test pairs, {self.split} split "
            f"{self.fingerprint[:12]}, threshold {self.threshold:g}"
        ]
        for history, figures in self.histories.items():
            told = [f"{n} {figures[n]:.4f}" for n in _FIGURES if n in figures]
            lines.append(f"  known: {history:<11} {'  '.join(told)}")
        return "\n".join(lines)


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
    test = parts.test
    labels = test.events[LABEL].to_numpy()
    found: dict[str, dict[str, float]] = {}
    for history in histories:
        model.remember(parts.known(history))
        said = model.predict(test.events)
        if model.config.body.rating:
            found[history] = rating_figures(labels, said)
        else:
            found[history] = figures(test.user_codes, labels, said, threshold)
    model.remember(parts.known("streaming"))
    name = "+".join(model.config.bodies)
    return InterestReport(name, parts.kind, parts.fingerprint, len(test), threshold, found)


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
