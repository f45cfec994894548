"""Making scores into probabilities that can be believed, on labels that were not learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Method = Literal["none", "temperature", "platt", "isotonic"]

_SLOPE, _KNOTS = "calibration.slope", "calibration.knots"
#: Values a map of steps may be told by.
_MOST_KNOTS = 200


@dataclass(frozen=True)
class Calibration:
    """A rising map from log-odds to probabilities.

    Attributes:
        slope: float64[2]: ``expit(slope[0] * log-odds + slope[1])`` comes first.
        knots: float64[k, 2], then a line through these points (x, y); none leaves it out.
    """

    slope: NDArray[np.float64]
    knots: NDArray[np.float64]

    @classmethod
    def none(cls) -> Calibration:
        """Log-odds as they are."""
        return cls(np.array([1.0, 0.0]), np.empty((0, 2)))

    @classmethod
    def fit(
        cls, method: Method, log_odds: NDArray[np.floating], labels: NDArray[np.floating]
    ) -> Calibration:
        """Fits on pairs that were not learnt from.

        - "temperature" divides log-odds by a number (Guo et al., 2017);
        - "platt" moves them, too (Platt, 1999, with his smoothed targets);
        - "isotonic" takes the best rising steps (Zadrozny & Elkan, 2002), with lines between
          them, so that order is kept but for the ends. It needs a thousand labels or so.

        Where all labels are alike nothing can be learnt, and log-odds stay as they are.

        Args:
            method: One of the above, or "none".
            log_odds: float[n].
            labels: float[n], 0 or 1.
        """
        if method == "none" or len(np.unique(labels)) < 2:
            return cls.none()
        if method == "isotonic":
            return cls(np.array([1.0, 0.0]), _steps(expit(log_odds), labels))
        return cls(
            _slope(log_odds.astype(np.float64), labels, shifted=method == "platt"), _NO_KNOTS
        )

    def apply(self, log_odds: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities, float32[n]."""
        found = expit(self.slope[0] * log_odds.astype(np.float64) + self.slope[1])
        if len(self.knots):
            found = np.interp(found, self.knots[:, 0], self.knots[:, 1])
        return found.astype(np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The numbers, by name."""
        return {_SLOPE: self.slope, _KNOTS: self.knots}

    @classmethod
    def restored(cls, tensors: Mapping[str, NDArray[Any]]) -> Calibration:
        """What gave these tensors.

        Raises:
            LookupError: One is missing.
        """
        return cls(tensors[_SLOPE], tensors[_KNOTS])


_NO_KNOTS = np.empty((0, 2))


def _slope(
    log_odds: NDArray[np.float64], labels: NDArray[np.floating], *, shifted: bool
) -> NDArray[np.float64]:
    """Slope and shift of the least log loss; the logarithm of the slope is what is looked for."""
    wanted, n = labels.sum(), len(labels)
    high, low = (wanted + 1) / (wanted + 2), 1 / (n - wanted + 2)
    targets = np.where(labels > 0, high, low) if shifted else labels

    def loss(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = np.exp(x[0]) * log_odds
        z = scaled + x[1]
        wrong = expit(z) - targets
        slopes = [(wrong * scaled).mean(), wrong.mean() if shifted else 0.0]
        return float((np.logaddexp(0, z) - targets * z).mean()), np.array(slopes)

    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-6, 6), (-30, 30)]).x
    return np.array([np.exp(found[0]), found[1]])


def _steps(
    probabilities: NDArray[np.floating], labels: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Points of the isotonic regression, thinned to few."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1).fit(probabilities, labels)
    x, y = np.asarray(fitted.X_thresholds_), np.asarray(fitted.y_thresholds_)
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_KNOTS)).astype(int))
    return np.stack([x[kept], y[kept]], axis=1)
