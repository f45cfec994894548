"""What can be said of items from the labels known by some moment, and from their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.decomposition import TruncatedSVD

from foretaste.models.interest.log import Log

Floats = NDArray[np.float32]

#: Length of the vectors that are learnt from behaviour.
DIMENSION = 32

#: As if each person, and each item, had so many labels more, of what is usual.
_PERSON_PRIOR, _ITEM_PRIOR = 4.0, 4.0
#: As if what tells of an item's quality had so many labels more that say it means nothing.
_TOLD_PRIOR = 10.0
#: What an item's count is raised by, so that rare items do not have the loudest vectors.
_COUNT_PRIOR = 20.0
_ROUNDS = 6


@dataclass(frozen=True)
class Knowledge:
    """Items as they were known at a moment; row 0 of every array is no item.

    Attributes:
        usual: Mean label.
        quality: float32[items + 1], how far above the usual an item's labels are, whoever gives
            them; for items with few labels, as far as their content, who met them and how many
            did tell.
        likeness: By name, float32[items + 1, d] of unit length (or zero): items are alike in their
            content, in who met them ("together"), and in who liked them ("agree").
    """

    usual: float
    quality: Floats
    likeness: Mapping[str, Floats] = field(default_factory=dict[str, Floats])


def learn(log: Log, people: int, content: Floats) -> Knowledge:
    """Learns from all labels of a log.

    Args:
        log: At most what was known at the moment.
        people: Largest user code.
        content: float32[items + 1, d], unit length or zero.
    """
    items = len(content)
    likeness = {"content": content} if content.any() else {}
    if not len(log):
        unmet = dict.fromkeys(("together", "agree"), np.zeros((items, DIMENSION), np.float32))
        return Knowledge(0.5, np.zeros(items, np.float32), likeness | unmet)
    shape = (people + 1, items)
    counts = np.bincount(log.items, minlength=items)
    scale = diags(1 / np.sqrt(counts + _COUNT_PRIOR))
    met = csr_matrix((np.ones(len(log)), (log.people, log.items)), shape)
    likeness["together"] = _vectors(met @ scale)
    usual = float(log.labels.mean())
    told_by = np.concatenate([*likeness.values(), _popularity(counts)], axis=1)
    leniency, quality = _biases(log, usual, people + 1, told_by)
    surprise = log.labels - usual - leniency[log.people] - quality[log.items]
    liked = csr_matrix((surprise, (log.people, log.items)), shape)
    likeness["agree"] = _vectors(liked @ scale)
    return Knowledge(usual, quality.astype(np.float32), likeness)


def _popularity(counts: NDArray[np.int64]) -> Floats:
    """float32[items + 1, 3], a curve over how many labels there are, which is of the choosing."""
    logs = np.log1p(counts)
    scaled = (logs - logs.mean()) / max(float(logs.std()), 1e-9)
    return np.stack([np.ones_like(scaled), scaled, scaled**2], axis=1).astype(np.float32)


def _biases(
    log: Log, usual: float, people: int, told_by: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each person and each item adds to the usual label, by alternating ridge regressions.

    Of what items add, the part that is linear in `told_by` (float32[items + 1, d]) is taken first.
    """
    labels = log.labels - usual
    of_people = np.bincount(log.people, minlength=people) + _PERSON_PRIOR
    counts = np.bincount(log.items, minlength=len(told_by))
    weighted = told_by * counts[:, None]
    inverse = np.linalg.inv(told_by.T @ weighted + _TOLD_PRIOR * np.eye(told_by.shape[1]))
    leniency, quality = np.zeros(people), np.zeros(len(told_by))
    for _ in range(_ROUNDS):
        sums = np.bincount(log.items, labels - leniency[log.people], len(told_by))
        told = told_by @ (inverse @ (told_by.T @ sums))
        quality = told + (sums - counts * told) / (counts + _ITEM_PRIOR)
        leniency = np.bincount(log.people, labels - quality[log.items], people) / of_people
    return leniency, quality


def _vectors(matrix: csr_matrix) -> Floats:
    """Unit vectors of the columns, from the largest singular values."""
    people, items = int(matrix.shape[0]), int(matrix.shape[1])  # pyright: ignore - never None
    rank = min(DIMENSION, people - 1, items - 1)
    found = np.zeros((items, DIMENSION), np.float32)
    if not matrix.count_nonzero():
        return found
    svd = TruncatedSVD(rank, n_iter=3, random_state=0).fit(matrix)
    vectors = np.asarray(svd.components_).T * np.asarray(svd.singular_values_)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found[:, :rank] = np.where(length > 1e-9, vectors / np.maximum(length, 1e-9), 0)
    return found


class Chronicle:
    """What was known of items at moments that lie so many labels apart; learnt when asked for.

    Args:
        log: All that is known.
        people: Largest user code.
        content: As `learn`.
        step: Labels between two moments.
    """

    def __init__(self, log: Log, people: int, content: Floats, step: int) -> None:
        self._log, self._people, self._content = log, people, content
        times = np.sort(log.known)
        # A moment after the last label is the present.
        self._moments = np.unique(np.append(times[step::step], times[-1:] + 1))
        self._learnt: dict[int, Knowledge] = {}

    def pages(self, moments: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[n], the latest page that was written by each moment; 0 is a blank one."""
        return np.searchsorted(self._moments, moments, side="right")

    def page(self, number: int) -> Knowledge:
        """What was known then."""
        if number not in self._learnt:
            known = self._log.before(int(self._moments[number - 1]) if number else _BEFORE_ALL)
            self._learnt[number] = learn(known, self._people, self._content)
        return self._learnt[number]


_BEFORE_ALL = np.iinfo(np.int64).min
