"""What another policy would have earned, from what a policy that left things to chance logged.

Every logged action comes with its propensity: how likely the logging policy was to take it. A
policy that would have taken it more often gives it more weight, ``w = target / logging``.

- IPS, the inverse propensity score (Horvitz & Thompson, 1952): ``mean(w r)``. Right on average,
  and the more uncertain the rarer what the target does was logged.
- SNIPS, self-normalised (Swaminathan & Joachims, 2015): ``sum(w r) / sum(w)``. A little biased,
  far less uncertain; rewards that are all shifted shift it as much.
- DR, doubly robust (Dudík, Langford & Li, 2011): what a model predicts the target earns, and the
  weighted error of the model on what was logged. Right on average where either the propensities
  or the model are, and less uncertain the better the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretaste.errors import InputError
from foretaste.evaluation.bootstrap import Estimate, Ratios, estimates

Floats = NDArray[np.float64]

IPS, SNIPS, DR, LOGGED = "IPS", "SNIPS", "DR", "logged"


@dataclass(frozen=True)
class LoggedFeedback:
    """Actions that were logged; all arrays are float64[n], one entry an action.

    Attributes:
        rewards: What each earned.
        logging: Its propensity under the policy that took it, above 0 and at most 1.
        target: Its probability under the policy that is judged.
        predicted: What a reward model expects of each logged action; not learnt from them.
        expected: What the same model expects the target policy to earn in each one's place: the
            sum over all actions of their probability times their predicted reward.
    """

    rewards: Floats
    logging: Floats
    target: Floats
    predicted: Floats | None = None
    expected: Floats | None = None

    def __post_init__(self) -> None:
        """Checks it.

        Raises:
            InputError: A value is missing or out of range.
        """
        arrays: dict[str, Floats | None] = vars(self)
        for name, values in arrays.items():
            if values is not None and (
                values.shape != self.rewards.shape or not np.isfinite(values).all()
            ):
                raise InputError("there must be one finite number for each action.", field=name)
        if not len(self.rewards):
            raise InputError("nothing was logged.", field="rewards")
        if not ((self.logging > 0) & (self.logging <= 1)).all():
            raise InputError(
                "a propensity is above 0 and at most 1: what could not happen was not logged.",
                field="logging",
            )
        if not ((self.target >= 0) & (self.target <= 1)).all():
            raise InputError("a probability is from 0 to 1.", field="target")
        if (self.predicted is None) != (self.expected is None):
            raise InputError("give both predicted and expected rewards, or none.", field="expected")


@dataclass(frozen=True)
class CounterfactualReport:
    """Estimates of what the target policy earns an action, and how far to trust them.

    Attributes:
        estimates: By the names of the estimators, "IPS", "SNIPS" and, with a reward model, "DR",
            with 95% bootstrap intervals; and "logged", what the logging policy earned.
        actions: Number of logged actions.
        clip: Weights above it were cut to it; None where none were cut.
        clipped: Share of the actions whose weight was cut: above a few percent, the estimates
            lean towards the logging policy.
        effective: Effective number of actions, ``sum(w)² / sum(w²)``: as uncertain as so many
            logged by the target itself.
    """

    estimates: dict[str, Estimate]
    actions: int
    clip: float | None
    clipped: float
    effective: float

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {**vars(self), "estimates": {n: vars(e) for n, e in self.estimates.items()}}

    def __str__(self) -> str:
        lines = [f"{name:7}{estimate}" for name, estimate in self.estimates.items()]
        cut = "no weight cut" if self.clip is None else f"{self.clipped:.1%} cut at {self.clip:g}"
        told = f"{self.actions:,} actions, worth {self.effective:,.0f} of the target's own; {cut}"
        return "\n".join([*lines, told])


def judge(
    feedback: LoggedFeedback,
    *,
    clip: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> CounterfactualReport:
    """Estimates what the target policy would have earned.

    Args:
        feedback: What was logged.
        clip: Largest weight; cutting buys certainty with bias. None cuts nothing.
        resamples: Of the bootstrap that gives the intervals, over actions.
        seed: Of the bootstrap.

    Raises:
        InputError: `clip` is not above 0.
    """
    if clip is not None and clip <= 0:
        raise InputError(f"clip must be above 0, not {clip}.", field="clip")
    full = feedback.target / feedback.logging
    weights = full if clip is None else np.minimum(full, clip)
    ones = np.ones_like(weights)
    sides = {
        IPS: (weights * feedback.rewards, ones),
        SNIPS: (weights * feedback.rewards, weights),
        LOGGED: (feedback.rewards, ones),
    }
    if feedback.predicted is not None and feedback.expected is not None:
        errors = weights * (feedback.rewards - feedback.predicted)
        sides[DR] = (feedback.expected + errors, ones)
    ratios = Ratios(
        list(sides),
        np.stack([numerator for numerator, _ in sides.values()], axis=1),
        np.stack([denominator for _, denominator in sides.values()], axis=1),
    )
    squares = float((weights**2).sum())
    return CounterfactualReport(
        estimates=estimates([ratios], len(weights), resamples=resamples, seed=seed),
        actions=len(weights),
        clip=clip,
        clipped=float((full > weights).mean()),
        effective=float(weights.sum()) ** 2 / squares if squares else 0.0,
    )
