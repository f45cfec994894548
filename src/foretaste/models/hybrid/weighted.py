"""A weighted sum of recommenders, with weights learnt from validation targets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from foretaste.data import Dataset, Ragged, Targets
from foretaste.models.base import Tensor
from foretaste.models.hybrid.ensemble import Ensemble, EnsembleConfig
from foretaste.models.hybrid.lists import Scored, act_again, are_in, scored_blocks, to_learn_from

_WEIGHTS = "weighted.weights"


class WeightedHybrid(Ensemble):
    """Adds up the members' scores, each brought to mean 0 and deviation 1 (`Scored.standard`).

    The weights, none negative, are those under which the softmax over what members put forward
    gives the validation targets the highest likelihood; that is convex, so they are the only ones.
    """

    name = "weighted"
    config_class = EnsembleConfig

    _weights: NDArray[np.float32]

    @property
    def weights(self) -> dict[str, float]:
        """What every member counts, by its place and name: ``0 itemknn``."""
        names = (f"{place} {member.name}" for place, member in enumerate(self.recommenders))
        return dict(zip(names, self._weights.tolist(), strict=True))

    def _learn(self, train: Dataset, targets: Targets) -> None:
        features: list[NDArray[np.float32]] = []
        wanted: list[NDArray[np.bool_]] = []
        sizes: list[NDArray[np.int64]] = []
        again = act_again(targets)
        for scored, block in scored_blocks(self.recommenders, targets, self.item_vocabulary.size):
            chosen = to_learn_from(scored, block, self.config.depth, again=again)
            rows, items = np.nonzero(chosen)
            features.append(scored.standard()[:, rows, items].T)
            wanted.append(are_in(block.items, rows, items))
            sizes.append(np.bincount(rows, minlength=len(block)))
        self._weights = likeliest_weights(
            np.concatenate(features), np.concatenate(wanted), np.concatenate(sizes)
        )

    def _count_alike(self, train: Dataset) -> None:
        n = len(self.recommenders)
        self._weights = np.full(n, 1 / n, np.float32)

    def _score(self, histories: Ragged) -> NDArray[np.float32]:
        standard = Scored.by(self.recommenders, histories).standard()
        return np.tensordot(self._weights, standard, axes=1).astype(np.float32, copy=False)

    def _tensors(self) -> dict[str, Tensor]:
        return super()._tensors() | {_WEIGHTS: self._weights}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        super()._restore(tensors)
        self._weights = tensors[_WEIGHTS]
        if self._weights.shape != (len(self.recommenders),):
            raise ValueError("there is not one weight for every member")


def likeliest_weights(
    features: NDArray[np.float32], wanted: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Weights under which the softmax of the weighted sum foresees what is wanted.

    Args:
        features: float32[n, m], lists one after the other.
        wanted: bool[n].
        sizes: int64[lists], adding up to n; lists in which nothing is wanted teach nothing.

    Returns:
        float32[m], none negative; all alike where nothing can be learnt.
    """
    m = features.shape[1]
    lists = np.repeat(np.arange(len(sizes)), sizes)
    hits = np.bincount(lists[wanted], minlength=len(sizes))
    kept = (hits > 0)[lists]
    if not kept.any():
        return np.full(m, 1 / m, np.float32)
    values, wanted = features[kept].astype(np.float64), wanted[kept]
    sizes, hits = sizes[hits > 0], hits[hits > 0]
    starts = np.cumsum(sizes) - sizes
    shares = wanted / np.repeat(hits, sizes)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = values @ weights
        peaks = np.maximum.reduceat(logits, starts)
        powers = np.exp(logits - np.repeat(peaks, sizes))
        mass = np.add.reduceat(powers, starts)
        excess = powers / np.repeat(mass, sizes) - shares
        value = np.sum(np.log(mass) + peaks) - shares @ logits
        return value / len(sizes), values.T @ excess / len(sizes)

    found = minimize(loss, np.full(m, 1 / m), jac=True, method="L-BFGS-B", bounds=[(0, None)] * m)
    return found.x.astype(np.float32)
