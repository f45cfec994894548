"""How far what a model sees and says has moved from what it learnt from."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nextafter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from foretaste.errors import ForetasteError
from foretaste.serving.answers import Given

#: Observations that are judged together; fewer say nothing.
WINDOW = 1000
#: Above this index a shift is marked.
MARK: Final = 0.25
_BINS: Final = 10
#: Values below which a reference is too much left to chance.
_FEWEST: Final = 200

#: Under this name the registry keeps it, among what was measured of a model.
DRIFT: Final = "drift"
#: The quantities that are watched; see `Drift`.
HISTORIES: Final = "histories"
ITEMS: Final = "items"
SCORES: Final = "scores"


def stability_index(shares: Sequence[float], counts: Sequence[int]) -> float:
    """The population stability index (PSI) of counts against the shares of a reference.

    The sum of (q - p) ln(q / p) over the bins, that is the divergence of Kullback and Leibler in
    both directions. By rule of thumb up to 0.1 is no shift and above 0.25 a marked one (Siddiqi,
    "Credit Risk Scorecards", 2006). Where nothing has shifted, its mean is (bins - 1)(1/n + 1/m)
    for n observations and a reference of m (Yurdakul & Naranjo, "Statistical properties of the
    population stability index", 2020).

    Half an observation is added to every bin on both sides, so that an empty one is not
    infinitely unlike.

    Args:
        shares: Of the reference in every bin; they add up to 1.
        counts: Of the observations in the same bins.
    """
    seen = np.asarray(counts, np.float64)
    expected = np.asarray(shares, np.float64) * seen.sum()
    p, q = ((part + 0.5) / (part + 0.5).sum() for part in (expected, seen))
    return float(((q - p) * np.log(q / p)).sum())


@dataclass(frozen=True)
class Bins:
    """A reference divided by its quantiles.

    Attributes:
        edges: Rising; a value is in the bin whose number is that of the edges not above it.
        shares: Of the reference in every bin, one more than edges.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, values: NDArray[np.number]) -> Bins:
        """Ten bins of as many values each; a value that fills one has a bin to itself.

        Args:
            values: Finite, at least one.
        """
        inner = np.linspace(0, 1, _BINS + 1)[1:-1]
        quantiles = np.quantile(values.astype(np.float64), inner, method="higher")
        edges, times = np.unique(quantiles, return_counts=True)
        # The bin of a frequent value ends right after it, or what is larger would be in it too.
        ends = [nextafter(value, np.inf) for value in edges[times > 1].tolist()]
        edges = np.union1d(edges, ends)
        places = np.searchsorted(edges, values, side="right")
        counts = np.bincount(places, minlength=len(edges) + 1)
        return cls(tuple(edges.tolist()), tuple((counts / len(values)).tolist()))


class Watched:
    """One quantity against its reference; any thread may tell it of observations.

    Args:
        reference: None takes the first `WINDOW` observations.
        index: As it was judged last; None where it was not.
    """

    def __init__(self, reference: Bins | None = None, index: float | None = None) -> None:
        self._lock = threading.Lock()
        self._reference = reference
        self._index = index
        self._first: list[float] = []
        self._begin()

    @property
    def index(self) -> float | None:
        """Of the latest `WINDOW` observations that were judged together; None before."""
        return self._index

    def see(self, values: Iterable[float]) -> None:
        """Takes in observations; what is not finite is passed over."""
        with self._lock:
            for value in values:
                if isfinite(value):
                    self._take(value)

    def kept(self) -> dict[str, Any]:
        """What `restored` takes back, plain data."""
        with self._lock:
            reference = None if self._reference is None else vars(self._reference)
            return {"index": self._index, "reference": reference}

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Watched:
        """What gave `kept`, but for the observations that were not judged yet."""
        told = kept["reference"]
        reference = None if told is None else Bins(tuple(told["edges"]), tuple(told["shares"]))
        return cls(reference, kept["index"])

    def _take(self, value: float) -> None:
        if self._reference is None:
            self._first.append(value)
            if len(self._first) >= WINDOW:
                self._reference = Bins.of(np.array(self._first))
                self._first = []
                self._begin()
            return
        self._counts[bisect_right(self._reference.edges, value)] += 1
        self._seen += 1
        if self._seen >= WINDOW:
            self._index = stability_index(self._reference.shares, self._counts)
            self._begin()

    def _begin(self) -> None:
        self._seen = 0
        self._counts = [0] * (0 if self._reference is None else len(self._reference.shares))


class Drift:
    """Watches one model: what it is asked by, and what it answers.

    - histories: how long those are that it answers by, against those it learnt from. Empty ones
      are left out: they are answered by popularity.
    - items: of the events that come, those on items it has learnt nothing of, against none.
      About one in twenty is marked.
    - scores: those of the first items of lists, against its first `WINDOW` lists.

    Args:
        lengths: int[people], how many actions of each person it learnt from. Of too few people,
            the first lists stand in for them.
        kept: What `kept` gave of the same model earlier; empty where it gave nothing.
    """

    def __init__(self, lengths: NDArray[np.int64], kept: Mapping[str, Any]) -> None:
        learnt = lengths[lengths > 0]
        enough = len(learnt) >= _FEWEST
        self._watched = {
            HISTORIES: Watched(Bins.of(learnt) if enough else None),
            ITEMS: Watched(Bins(edges=(0.5,), shares=(1.0, 0.0))),
            SCORES: Watched(),
        } | {what: Watched.restored(one) for what, one in kept.items()}

    def answered(self, answers: Iterable[Given | ForetasteError]) -> None:
        """Takes in lists as they were given; those that were given for want of better say nothing.

        Args:
            answers: What was given, and what was wrong with an ask.
        """
        good = [given for given in answers if isinstance(given, Given) and not given.degraded]
        self._watched[HISTORIES].see(given.history for given in good if given.history)
        self._watched[SCORES].see(given.items[0].score for given in good if given.items)

    def happened(self, learnt: NDArray[np.bool_]) -> None:
        """Takes in events.

        Args:
            learnt: bool[events], whether the model has learnt from events on the item before.
        """
        self._watched[ITEMS].see((~learnt).tolist())

    def indices(self) -> dict[str, float]:
        """The stability index of whatever was judged so far, by name."""
        return indices_of(self.kept())

    def kept(self) -> dict[str, Any]:
        """What is to be known of it when the model is loaded again, plain data by name."""
        return {what: watched.kept() for what, watched in self._watched.items()}


def indices_of(kept: Mapping[str, Any]) -> dict[str, float]:
    """The indices in what `Drift.kept` gave."""
    return {what: one["index"] for what, one in kept.items() if one["index"] is not None}
