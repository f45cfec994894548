"""How good probabilities are: do they order, overall and for each person, and can they be believed.

All take `labels`, 0 or 1, and `probabilities` of 1, both float[n].
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.metrics import Hits

Values = NDArray[np.floating]

_BINS = 15
#: Probabilities nearer to 0 and 1 than this are not believed.
_SURE = 1e-7


def auc(labels: Values, probabilities: Values) -> float:
    """How often a pair with label 1 is above one with label 0; ties count half.

    NaN where all labels are alike.
    """
    return float(auc_by_person(np.zeros(len(labels), np.int32), labels, probabilities)["auc"][0])


def auc_by_person(
    people: NDArray[np.integer], labels: Values, probabilities: Values
) -> pl.DataFrame:
    """The AUC among each person's own pairs.

    Args:
        people: int[n], whose pair it is.
        labels: float[n].
        probabilities: float[n].

    Returns:
        Columns `person`, `pairs` and `auc`, which is NaN where all labels are alike.
    """
    table = pl.DataFrame({"person": people, "label": labels, "score": probabilities})
    rank = pl.col("score").rank("average").over("person")
    wanted, unwanted = pl.col("label").sum(), (1 - pl.col("label")).sum()
    above = (pl.col("rank") * pl.col("label")).sum() - wanted * (wanted + 1) / 2
    return (
        table.with_columns(rank.alias("rank"))
        .group_by("person", maintain_order=True)
        .agg(pl.len().alias("pairs"), (above / (wanted * unwanted)).alias("auc"))
    )


def uauc(people: NDArray[np.integer], labels: Values, probabilities: Values) -> float:
    """Mean AUC over the people who have both labels (as in CoLLM, Zhang et al., 2023), or NaN."""
    found = _judged(people, labels, probabilities)
    return float(found["auc"].sum()) / len(found) if len(found) else np.nan


def gauc(people: NDArray[np.integer], labels: Values, probabilities: Values) -> float:
    """The same weighted by how many pairs each has (DIN, Zhou et al., 2018, equation 6)."""
    found = _judged(people, labels, probabilities)
    weights = found["pairs"]
    return float((found["auc"] * weights).sum()) / float(weights.sum()) if len(found) else np.nan


def log_loss(labels: Values, probabilities: Values) -> float:
    """Mean negative log-likelihood, in nats."""
    return float(log_losses(labels, probabilities).mean())


def log_losses(labels: Values, probabilities: Values) -> NDArray[np.float64]:
    """Those of the pairs, float64[n]."""
    p = np.clip(probabilities.astype(np.float64), _SURE, 1 - _SURE)
    return -(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def reliability(labels: Values, probabilities: Values, bins: int = _BINS) -> pl.DataFrame:
    """What was said against what came to be, in bins of equal width.

    Returns:
        Columns `pairs`, `said` (mean probability) and `found` (share of label 1) of the bins that
        are not empty, in rising order.
    """
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    table = pl.DataFrame({"bin": place, "said": probabilities, "found": labels})
    means = pl.col("said", "found").cast(pl.Float64).mean()
    return table.group_by("bin").agg(pl.len().alias("pairs"), means).sort("bin").drop("bin")


def ece(labels: Values, probabilities: Values, bins: int = _BINS) -> float:
    """Expected calibration error: the mean gap of `reliability` (Guo et al., 2017, equation 3)."""
    found = reliability(labels, probabilities, bins)
    gaps = (found["said"] - found["found"]).abs()
    return float((gaps * found["pairs"]).sum() / len(labels))


def list_hits(
    people: NDArray[np.integer], labels: Values, probabilities: Values, k: int
) -> tuple[Hits, NDArray[np.int64]]:
    """Each person's pairs as a list, for `foretaste.metrics`; those without label 1 are left out.

    Returns:
        bool[people, k], whether the pair at each rank has label 1, and int64[people], how many do.
    """
    order = np.lexsort((-probabilities, people))
    _, rows, lengths = np.unique(people[order], return_inverse=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    wanted = labels[order] > 0
    relevant = np.bincount(rows[wanted], minlength=len(lengths))
    hits = np.zeros((len(lengths), k), bool)
    shown = rank < k
    hits[rows[shown], rank[shown]] = wanted[shown]
    return hits[relevant > 0], relevant[relevant > 0]


def _judged(people: NDArray[np.integer], labels: Values, probabilities: Values) -> pl.DataFrame:
    return auc_by_person(people, labels, probabilities).filter(pl.col("auc").is_not_nan())
