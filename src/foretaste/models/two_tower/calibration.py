"""What a cosine means: the chance that a person takes an item that is so near."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

_SIMILARITIES, _CHANCES = "calibration.similarities", "calibration.chances"


@dataclass(frozen=True)
class Calibration:
    """A rising curve from similarities to chances.

    Attributes:
        similarities: float64[n], rising.
        chances: float64[n], rising; straight lines between.
    """

    similarities: NDArray[np.float64]
    chances: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        similarities: NDArray[np.float32],
        taken: NDArray[np.bool_],
        weights: NDArray[np.float32],
    ) -> Calibration:
        """By isotonic regression (Zadrozny & Elkan, 2002).

        Args:
            similarities: float32[n], of pairs of a person and an item.
            taken: bool[n], whether the person took it.
            weights: float32[n], for how many pairs each stands.
        """
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        curve.fit(similarities, taken, sample_weight=weights)
        return cls(curve.X_thresholds_, curve.y_thresholds_)

    def chance(self, similarities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Chances of similarities, of the same shape."""
        return np.interp(similarities, self.similarities, self.chances).astype(np.float32)

    def tensors(self) -> dict[str, NDArray[np.float64]]:
        """The curve, for a model's state."""
        return {_SIMILARITIES: self.similarities, _CHANCES: self.chances}

    @classmethod
    def restored(cls, tensors: Mapping[str, NDArray[np.float64]]) -> Calibration | None:
        """What gave `tensors`; None where there was none.

        Raises:
            ValueError: The curve does not rise.
        """
        if _SIMILARITIES not in tensors:
            return None
        curve = cls(tensors[_SIMILARITIES], tensors[_CHANCES])
        falls = (np.diff(curve.similarities) < 0).any() or (np.diff(curve.chances) < 0).any()
        if falls or len(curve.similarities) != len(curve.chances) or not len(curve.chances):
            raise ValueError("the calibration is no rising curve")
        return curve
