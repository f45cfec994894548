"""Which evidence is strong enough to be named, and the test that it must pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretaste.ranking.explanation.case import Case
from foretaste.ranking.explanation.contributions import (
    Additive,
    Contributions,
    Explainer,
    exact,
    leave_one_out,
)

#: Most pieces of evidence that a reason names.
MOST = 3

#: Those are named that add at least so much of what the strongest adds.
_SHARE = 0.5


def strongest(contributions: NDArray[np.floating]) -> NDArray[np.int64]:
    """Places of the contributions that may be named, strongest first; none that is not positive."""
    order = np.argsort(-contributions, kind="stable")[:MOST]
    best = contributions[order[0]] if len(order) else 0.0
    chosen = (contributions[order] >= _SHARE * best) & (contributions[order] > 0)
    return order[chosen]


def named_evidence(case: Case, contributions: Contributions) -> tuple[NDArray[np.int64], float]:
    """The parts of the history that a reason may name.

    They are put to the test: without all of them together the score must be lower, or else
    nothing is named.

    Returns:
        Places in `case.parts`, strongest first, and how far the score falls without them.
    """
    named = strongest(contributions)
    if not len(named):
        return named, 0.0
    kept = np.ones((1, len(case.parts)), bool)
    kept[0, named] = False
    drop = case.score - float(case.scores(kept)[0])
    return (named, drop) if drop > 0 else (named[:0], 0.0)


def explainer_for(case: Case) -> Explainer:
    """What explains a case best.

    `exact` where the score is a sum and the strongest parts of it pass the test of
    `named_evidence`; else `leave_one_out`. They may fail where the weights of a sum depend on all
    of it: without the latest action, the one before it is the latest.
    """
    if isinstance(case.model, Additive) and len(named_evidence(case, exact(case))[0]):
        return exact
    return leave_one_out


def explain_score(case: Case) -> Contributions:
    """What each part of the history adds to the score, by `explainer_for`."""
    return explainer_for(case)(case)
