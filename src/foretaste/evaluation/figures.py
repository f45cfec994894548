"""From ranked lists to the figures of a report: values a person, then estimates a group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foretaste import metrics
from foretaste.data import Ragged
from foretaste.evaluation import beyond_accuracy
from foretaste.evaluation.beyond_accuracy import Lists, Vectors
from foretaste.evaluation.bootstrap import Exposure, Ratios, Statistic, estimates
from foretaste.evaluation.report import Group

#: A column of values a person for every figure that is a mean over people.
PerUser = dict[str, metrics.PerRow]

#: The accuracy metrics by the names they carry in a report, the headline first.
ACCURACY: dict[str, Callable[[metrics.Hits, NDArray[np.integer]], metrics.PerRow]] = {
    "NDCG": metrics.ndcg,
    "Recall": metrics.recall,
    "Precision": metrics.precision,
    "HR": metrics.hit_rate,
    "MRR": metrics.reciprocal_rank,
    "MAP": metrics.average_precision,
}

_CURVE_POINTS = 101


@dataclass(frozen=True)
class View:
    """One way to look at an evaluation.

    Attributes:
        people: int64[people], which of the people evaluated it is about.
        lists: int32[people, k], 0 where a list is shorter.
        targets: What is relevant to each person; rows may be empty.
        catalogue: bool[items + 1], the items whose exposure is of interest.
    """

    people: NDArray[np.int64]
    lists: Lists
    targets: Ragged
    catalogue: NDArray[np.bool_]

    @cached_property
    def hits(self) -> metrics.Hits:
        """bool[people, k], where the lists are right."""
        return metrics.hit_positions(self.lists, self.targets.row_of_value, self.targets.values)


def accuracy(view: View, ks: Sequence[int]) -> PerUser:
    """Every accuracy metric at every k; NaN for people without a target."""
    having = np.flatnonzero(view.targets.lengths)
    hits, relevant = view.hits[having], view.targets.lengths[having]
    values: PerUser = {}
    for k in ks:
        for name, metric in ACCURACY.items():
            column = np.full(len(view.lists), np.nan)
            column[having] = metric(hits[:, :k], relevant)
            values[f"{name}@{k}"] = column
    return values


def list_qualities(
    view: View,
    expected: Lists,
    counts: NDArray[np.int64],
    vectors: Vectors | None,
    ks: Sequence[int],
) -> PerUser:
    """What can be said of each list beyond accuracy, at every k: see `beyond_accuracy`.

    Args:
        view: The lists.
        expected: The popularity recommender's, as long.
        counts: int64[items + 1], training events by item code.
        vectors: For the diversity, which is absent without them.
        ks: Lengths of list.
    """
    values: PerUser = {}
    for k in ks:
        head = view.lists[:, :k]
        values[f"UserCoverage@{k}"] = beyond_accuracy.completeness(head)
        values[f"Novelty@{k}"] = beyond_accuracy.novelty(head, counts)
        if vectors is not None:
            values[f"Diversity@{k}"] = beyond_accuracy.diversity(head, vectors)
        values[f"Serendipity@{k}"] = beyond_accuracy.serendipity(
            view.hits[:, :k], head, expected[:, :k]
        )
    return values


def popularity_lift(
    lists: Lists, histories: Ragged, counts: NDArray[np.int64], ks: Sequence[int]
) -> Ratios:
    """Mean popularity of lists over that of histories, for the people who have both."""
    before = beyond_accuracy.mean_history_popularity(histories, counts)[:, None]
    after = np.stack([beyond_accuracy.mean_popularity(lists[:, :k], counts) for k in ks], axis=1)
    both = ~np.isnan(before) & ~np.isnan(after)
    return Ratios(
        [f"PopularityLift@{k}" for k in ks],
        np.where(both, after, 0.0),
        np.where(both, before, 0.0),
    )


def exposure(view: View, ks: Sequence[int]) -> list[Exposure]:
    """Coverage and Gini index of the view's part of the catalogue, at every k."""
    items = np.where(view.catalogue[view.lists], view.lists, 0)
    size = int(view.catalogue[1:].sum())
    return [Exposure((f"Coverage@{k}", f"Gini@{k}"), items[:, :k], size) for k in ks]


def group(
    view: View, values: PerUser, others: Sequence[Statistic], *, resamples: int, seed: int
) -> Group:
    """The figures of a view with their intervals: the means of `values`, then the `others`."""
    means = Ratios.means(list(values), np.stack(list(values.values()), axis=1))
    return Group(
        users=int(np.count_nonzero(view.targets.lengths)),
        targets=len(view.targets.values),
        items=int(view.catalogue[1:].sum()),
        metrics=estimates([means, *others], len(view.lists), resamples=resamples, seed=seed),
    )


def exposure_curve(lists: Lists, catalogue: int) -> tuple[float, ...]:
    """Share of all places that the least recommended 0%, 1% … 100% of the catalogue got."""
    counts = np.sort(np.bincount(lists[lists != 0], minlength=catalogue + 1)[1:])
    reached = np.concatenate([[0], np.cumsum(counts)]) / max(int(counts.sum()), 1)
    where = np.linspace(0, catalogue, _CURVE_POINTS)
    return tuple(float(share) for share in np.interp(where, np.arange(catalogue + 1), reached))
