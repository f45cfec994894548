"""Whether two models differ, asked of the same people (Smucker, Allan & Carterette, 2007)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from foretaste.data.schema import USER_ID
from foretaste.errors import InputError
from foretaste.evaluation.bootstrap import (
    Estimate,
    Floats,
    Ratios,
    block_sizes,
    estimates,
)
from foretaste.evaluation.report import EvaluationReport


@dataclass(frozen=True)
class Difference:
    """The second model against the first in one figure.

    Attributes:
        metric: Name, as in `EvaluationReport.per_user`.
        users: People to whom it applies under both models.
        first: Mean of the first model over them.
        second: Mean of the second.
        difference: second - first, with the paired bootstrap's 95% interval.
        p_value: Two-sided, of the paired permutation test that the models are interchangeable.
        effect: Cohen's d of paired samples, mean difference over its standard deviation; None
            when all differences are equal.
        better: Share of people whom the second model serves better.
        worse: Share whom it serves worse.
    """

    metric: str
    users: int
    first: float
    second: float
    difference: Estimate
    p_value: float
    effect: float | None
    better: float
    worse: float

    def __str__(self) -> str:
        return (
            f"{self.metric}  {self.first:.4f} -> {self.second:.4f}  "
            f"difference {self.difference}  p = {self.p_value:.4f}"
        )


@dataclass(frozen=True)
class Comparison:
    """Two models on the same people of the same split."""

    first: str
    second: str
    fingerprint: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        title = f"{self.first} -> {self.second}  split {self.fingerprint[:12]}"
        return "\n".join([title, *(f"  {difference}" for difference in self.differences)])

    def to_dict(self) -> dict[str, Any]:
        """The comparison, JSON-ready."""
        return asdict(self) | {"differences": [asdict(one) for one in self.differences]}


def compare(
    first: EvaluationReport,
    second: EvaluationReport,
    *,
    metrics: Sequence[str] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Tests the differences between two reports, person by person.

    Each figure is tested by itself: with many of them, some small p-values come by chance.

    Args:
        first: The report to compare with.
        second: The report to compare.
        metrics: Columns of `per_user`; by default all that both have. Coverage, Gini and
            PopularityLift are not means over people and can't be paired.
        resamples: Of the permutation test and of the bootstrap.
        seed: Of both.

    Raises:
        InputError: The reports answer different questions, or a metric is not in both.
    """
    _check_same_question(first, second)
    shared = [
        column
        for column in first.per_user.columns
        if column != USER_ID and column in second.per_user.columns
    ]
    missing = sorted(set(metrics or ()) - set(shared))
    if missing:
        raise InputError(
            f"the reports do not both have '{missing[0]}' for every person.",
            field="metrics",
            hint=f"They have: {', '.join(shared)}.",
        )
    chosen = list(metrics or shared)
    return Comparison(
        first.model,
        second.model,
        first.fingerprint,
        _differences(
            chosen,
            _values(first.per_user, chosen),
            _values(second.per_user, chosen),
            resamples=resamples,
            seed=seed,
        ),
    )


def permutation_p_values(differences: Floats, *, resamples: int, seed: int) -> Floats:
    """Two-sided p-values of the mean of each column being zero, by random changes of sign.

    Were the models interchangeable, each person's difference could as well be of the other sign.
    The sample itself counts as one permutation, so no p-value is zero (Phipson & Smyth, 2010).

    Args:
        differences: float64[people, m].
        resamples: Number of random sign changes.
        seed: Of the changes.
    """
    rng = np.random.default_rng(seed)
    observed = np.abs(differences.sum(axis=0))
    # Sums of the same terms in another order may differ in the last bits, yet are ties.
    threshold = observed * (1 - 1e-9)
    extreme = np.ones(differences.shape[1])
    for rows in block_sizes(resamples, len(differences)):
        signs = 2.0 * rng.integers(0, 2, (rows, len(differences)), np.int8) - 1
        extreme += (np.abs(signs @ differences) >= threshold).sum(axis=0)
    return extreme / (resamples + 1)


def _check_same_question(first: EvaluationReport, second: EvaluationReport) -> None:
    for name in ("fingerprint", "part", "exclude_seen"):
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            raise InputError(
                f"the reports answer different questions: {name} {one!r} and {other!r}.",
                field=name,
                hint="Evaluate both models on the same split with the same settings.",
            )
    if not first.per_user[USER_ID].equals(second.per_user[USER_ID]):
        raise InputError("the reports are about different people.", field=USER_ID)


def _values(per_user: pl.DataFrame, columns: list[str]) -> Floats:
    return per_user.select(pl.col(columns).cast(pl.Float64).fill_null(float("nan"))).to_numpy()


def _differences(
    names: list[str], first: Floats, second: Floats, *, resamples: int, seed: int
) -> tuple[Difference, ...]:
    change = second - first
    applies = ~np.isnan(change)
    intervals = estimates(
        [Ratios.means(names, change)], len(change), resamples=resamples, seed=seed
    )
    p_values = permutation_p_values(np.nan_to_num(change), resamples=resamples, seed=seed)
    found: list[Difference] = []
    for column, name in enumerate(names):
        if name not in intervals:
            continue  # it applies to nobody
        rows = applies[:, column]
        paired = change[rows, column]
        spread = float(paired.std(ddof=1)) if len(paired) > 1 else 0.0
        found.append(
            Difference(
                metric=name,
                users=len(paired),
                first=float(first[rows, column].mean()),
                second=float(second[rows, column].mean()),
                difference=intervals[name],
                p_value=float(p_values[column]),
                effect=float(paired.mean()) / spread if spread else None,
                better=float((paired > 0).mean()),
                worse=float((paired < 0).mean()),
            )
        )
    return tuple(found)
