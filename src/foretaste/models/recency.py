"""Models that answer by a history in which the latest actions count most."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator

from foretaste.config import Config
from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._validation import best_of
from foretaste.models.base import Recommender, Tensor

_HALF_LIFE = "recency.half_life"

#: What is tried where nobody has said; infinity lets all actions count alike.
_HALF_LIVES = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, np.inf)


def _checked(value: object) -> float | Literal["auto"] | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < np.inf:
        return float(value)
    if value == "auto":
        return "auto"
    raise ValueError("a half-life is a number above 0, auto or null")


HalfLife = Annotated[float | Literal["auto"] | None, PlainValidator(_checked)]


class RecencyConfig(Config):
    """How fast actions stop counting.

    Attributes:
        half_life: Actions after which an action of the history counts half when it is answered;
            null lets all count alike. ``auto`` takes what ranks the validation targets best, and
            what suits most data sets where there are no such targets.
    """

    half_life: HalfLife = "auto"


class ByRecency(Recommender):
    """A recommender whose answers weigh the actions of a history by `half_life`.

    Weights fall exponentially (Ding & Li, "Time weight collaborative filtering", CIKM 2005), with
    the number of actions since rather than with time, which not every log has. They act in answers
    only, nothing is learnt with them, so that choosing costs no second training. A subclass says in
    `usual_half_life` what to take where there is nothing to choose by.
    """

    usual_half_life: ClassVar[float]

    config: RecencyConfig
    _half_life: float

    @property
    def half_life(self) -> float:
        """Actions after which one counts half; infinity where all count alike.

        Raises:
            NotFittedError: It is not chosen yet.
        """
        _ = self.known
        return self._half_life

    def fit(
        self,
        train: Dataset,
        validation: Targets | None = None,
        *,
        checkpoints: Path | None = None,
    ) -> Self:
        """Learns as every recommender, then chooses the half-life if it is to.

        Args:
            train: Events and catalogue.
            validation: Targets for early stopping, where there is any, and for the half-life.
            checkpoints: As of `Recommender.fit`.
        """
        given = self.config.half_life
        usual = self.usual_half_life if given == "auto" else np.inf if given is None else given
        self._half_life = usual
        super().fit(train, validation, checkpoints=checkpoints)
        if given == "auto":
            others = [tried for tried in _HALF_LIVES if tried != usual]
            best_of([usual, *others], self, self._take_half_life, validation)
        return self

    def recency_weights(self, histories: Ragged) -> NDArray[np.float32]:
        """What every action counts, float32[total]: 1 for the latest of its history."""
        return recency_weights(histories, self._half_life)

    def _take_half_life(self, half_life: float) -> None:
        self._half_life = half_life

    def _tensors(self) -> dict[str, Tensor]:
        return {_HALF_LIFE: np.array(self._half_life)}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self._half_life = float(tensors[_HALF_LIFE])


def recency_weights(histories: Ragged, half_life: float | None) -> NDArray[np.float32]:
    """float32[total]: 1 for the latest action of every history, less for those before it.

    Args:
        histories: Oldest first.
        half_life: Actions after which an action counts half; None or infinity lets all count
            alike.
    """
    if half_life is None:
        return np.ones(len(histories.values), np.float32)
    ends = np.repeat(histories.offsets[1:], histories.lengths)
    ages = ends - 1 - np.arange(len(histories.values))
    return (0.5 ** (ages / half_life)).astype(np.float32)
