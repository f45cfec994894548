"""Whether explanations are true: what happens to scores when the evidence is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretaste.errors import InputError
from foretaste.ranking.explanation.case import Case
from foretaste.ranking.explanation.contributions import Explainer
from foretaste.ranking.explanation.naming import explain_score, named_evidence

Curve = NDArray[np.float64]

#: Shares of the history at which curves are measured.
SHARES: Curve = np.linspace(0, 1, 11)


@dataclass(frozen=True)
class Faithfulness:
    """How explanations fared against chance.

    Attributes:
        cases: Cases that were judged: those in which evidence was named and there was other
            evidence that might have been.
        passed_over: The other cases with two items or more.
        named: Mean number of items named.
        named_drop: Mean fall of the score without the named evidence.
        random_drop: Mean fall without as many items drawn at random.
        deletion: Mean score when the strongest evidence leaves first, at `SHARES` of the history.
        random_deletion: The same when items leave in random order.
        insertion: Mean score when the strongest evidence comes first, at `SHARES`.
        random_insertion: The same when items come in random order.
    """

    cases: int
    passed_over: int
    named: float
    named_drop: float
    random_drop: float
    deletion: Curve
    random_deletion: Curve
    insertion: Curve
    random_insertion: Curve

    @property
    def ratio(self) -> float:
        """Named drop over random drop; infinite where random evidence does not matter at all."""
        return self.named_drop / self.random_drop if self.random_drop > 0 else float("inf")


def judge_explanations(
    cases: Sequence[Case],
    explainer: Explainer = explain_score,
    *,
    seed: int = 0,
    draws: int = 5,
) -> Faithfulness:
    """The deletion and insertion test (Petsiuk et al., 2018), against random evidence.

    Args:
        cases: Scores to be explained.
        explainer: What gives the evidence.
        seed: Of the random evidence.
        draws: Random sets, and random orders, a case.

    Raises:
        InputError: In no case is there evidence to name, and other evidence beside it.
    """
    rng = np.random.default_rng(seed)
    judged = [_judge(case, explainer, rng, draws) for case in cases if len(case.parts) > 1]
    rows = np.array([row for row in judged if row is not None])
    if not len(rows):
        raise InputError(
            "in no case is there evidence to name with other evidence beside it.",
            field="cases",
            hint="Give longer histories.",
        )
    named, named_drop, random_drop, *curves = rows.mean(axis=0)
    deletion, random_deletion, insertion, random_insertion = np.array(curves).reshape(4, -1)
    return Faithfulness(
        cases=len(rows),
        passed_over=len(judged) - len(rows),
        named=float(named),
        named_drop=float(named_drop),
        random_drop=float(random_drop),
        deletion=deletion,
        random_deletion=random_deletion,
        insertion=insertion,
        random_insertion=random_insertion,
    )


def _judge(case: Case, explainer: Explainer, rng: np.random.Generator, draws: int) -> Curve | None:
    """Number named, its drop, the random drop, the four curves; None if it can't be judged."""
    contributions = explainer(case)
    named, drop = named_evidence(case, contributions)
    n = len(case.parts)
    if not len(named) or len(named) == n:
        return None
    strongest_first = np.argsort(np.argsort(-contributions, kind="stable"))
    at_random = rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    gone = np.round(SHARES * n)[:, None]
    kept = [
        at_random >= len(named),
        strongest_first >= gone,
        *(order >= gone for order in at_random),
        strongest_first < gone,
        *(order < gone for order in at_random),
    ]
    scores = case.scores(np.concatenate(kept))
    curves = scores[draws:].reshape(2, 1 + draws, len(SHARES))
    random_drop = case.score - scores[:draws].mean()
    both = np.stack([curves[:, 0], curves[:, 1:].mean(axis=1)], axis=1)
    return np.concatenate([[len(named), drop, random_drop], both.ravel()])
