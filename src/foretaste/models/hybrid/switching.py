"""One recommender for short histories, another for long ones, as validation targets say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from foretaste.data import Dataset, Ragged, Targets
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.base import Recommender, Tensor
from foretaste.models.hybrid.ensemble import Ensemble, EnsembleConfig

_FROM = "switching.from"
_MEMBERS = "switching.members"
_MEASURED_AT = 10

#: Thresholds are looked for at so many quantiles of the length.
_CELLS = 20


class SwitchingConfig(EnsembleConfig):
    """Settings of `SwitchingHybrid`.

    Attributes:
        ranges: Most ranges of length, each with a member of its own.
    """

    ranges: int = Field(default=3, ge=1)


class SwitchingHybrid(Ensemble):
    """Answers by one member, chosen by the length of the history (Burke, 2002, "switching").

    Which one, and from which length on, is what gives the highest sum of NDCG@10 over the
    validation targets; a further range is made only where it adds more than chance would, two
    standard errors of what it changes.
    """

    name = "switching"
    config_class = SwitchingConfig

    config: SwitchingConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    _from: NDArray[np.int64]
    _members: NDArray[np.int32]

    @property
    def choices(self) -> list[tuple[int, str]]:
        """From which length of history on which member answers."""
        names = [self.recommenders[member].name for member in self._members]
        return list(zip(self._from.tolist(), names, strict=True))

    def _learn(self, train: Dataset, targets: Targets) -> None:
        values = np.stack([_quality(member, targets) for member in self.recommenders], axis=1)
        self._from, self._members = best_ranges(
            targets.histories.lengths, values, self.config.ranges
        )

    def _count_alike(self, train: Dataset) -> None:
        """Nothing tells the members apart, so the first answers everybody."""
        self._from, self._members = np.zeros(1, np.int64), np.zeros(1, np.int32)

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        ranges = np.searchsorted(self._from, histories.lengths, side="right") - 1
        chosen = self._members[ranges]
        scores = np.empty((len(histories), self.item_vocabulary.size), np.float32)
        for member in np.unique(chosen):
            rows = np.flatnonzero(chosen == member)
            scores[rows] = self.recommenders[member].score_all(histories.take(rows))
        return scores

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {_FROM: self._from, _MEMBERS: self._members}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._from, self._members = tensors[_FROM], tensors[_MEMBERS]
        n = len(self.recommenders)
        if not len(self._from) == len(self._members) > 0 or self._members.max() >= n:
            raise ValueError("the ranges of length do not fit the members")


def best_ranges(
    lengths: NDArray[np.int64], values: NDArray[np.float64], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Ranges of length and the member that does best in each.

    Args:
        lengths: int64[n], of histories.
        values: float64[n, members], how well each did.
        most: Ranges.

    Returns:
        The lengths from which ranges go, rising from 0, and the members that answer in them.
    """
    cuts = np.unique(np.quantile(lengths, np.linspace(0, 1, _CELLS + 1)[1:-1], method="higher"))
    starts = np.array([0])
    members = np.array([values.sum(axis=0).argmax()])
    while len(starts) < most:
        best: tuple[float, NDArray[np.int64], NDArray[np.int64]] | None = None
        now = values[np.arange(len(values)), members[_range_of(starts, lengths)]]
        for cut in np.setdiff1d(cuts, starts):
            split = np.sort(np.append(starts, cut))
            ranges = _range_of(split, lengths)
            sums = np.stack([np.bincount(ranges, column, len(split)) for column in values.T], 1)
            chosen = sums.argmax(axis=1)
            gain = values[np.arange(len(values)), chosen[ranges]] - now
            certain = gain.sum() - 2 * np.sqrt(len(gain)) * gain.std()
            if certain > 0 and (best is None or gain.sum() > best[0]):
                best = float(gain.sum()), split, chosen
        if best is None:
            break
        _, starts, members = best
    return starts.astype(np.int64), members.astype(np.int32)


def _range_of(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(starts, lengths, side="right") - 1


def _quality(member: Recommender, targets: Targets) -> NDArray[np.float64]:
    ranked = member.rank(targets.histories, _MEASURED_AT).items
    hits = hit_positions(ranked, targets.items.row_of_value, targets.items.values)
    return ndcg(hits, targets.items.lengths)
