"""The one way models are measured: the whole catalogue ranked for everybody, never a sample."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretaste.data import Ragged, Split, Targets
from foretaste.data.categories import category_vectors
from foretaste.data.schema import USER_ID
from foretaste.errors import DataError, InputError
from foretaste.evaluation import figures
from foretaste.evaluation.beyond_accuracy import Lists, Vectors
from foretaste.evaluation.bootstrap import Statistic
from foretaste.evaluation.figures import PerUser, View
from foretaste.evaluation.report import ALL, COLD, COLD_ONLY, WARM, EvaluationReport
from foretaste.models.base import Recommender
from foretaste.models.popularity import Popularity

#: Fewer resamples say nothing of the ends of a 95% interval.
_LEAST_RESAMPLES = 100


def evaluate(
    model: Recommender,
    split: Split,
    *,
    part: Literal["test", "validation"] = "test",
    ks: Sequence[int] = (10,),
    exclude_seen: bool = True,
    vectors: NDArray[np.float32] | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> EvaluationReport:
    """Measures a fitted model on the held-out targets of a split.

    Every item of the catalogue is ranked for every person. With `exclude_seen`, the items of a
    person's history can't be recommended, so targets among them can't be reached: they are taken
    out, and people left without any target with them; the report counts both.

    Accuracy (NDCG, Recall, Precision, HR, MRR, MAP), Coverage of the catalogue and the Gini index
    of exposure are reported for up to four groups of targets:

    - ``all``: every target.
    - ``warm`` and ``cold``: targets with and without training events, in the same lists, over the
      people who have such targets; coverage and Gini are of that part of the catalogue. Absent
      when there are no cold targets.
    - ``cold_only``: the cold targets again, ranked among cold items alone: how well the model
      tells new items apart, where the lists above say whether they ever get a place.

    ``all`` also holds UserCoverage (share of people who got k items), Novelty, Diversity,
    Serendipity (all as in `beyond_accuracy`) and PopularityLift: the mean popularity of recommended
    items over that of people's histories, each averaged over people first (Abdollahpouri et al.,
    2020, who subtract 1): 1 is no lift.

    Args:
        model: Fitted on `split.train`.
        split: What was divided.
        part: Which targets.
        ks: Lengths of list.
        exclude_seen: Leave the history's own items out of the lists.
        vectors: float32[items + 1, d] by item code, such as content vectors, for Diversity; by
            default the catalogue's `categories`, and without those there is no Diversity.
        seed: Of the bootstrap.
        resamples: Of the bootstrap, at least 100.

    Raises:
        InputError: An argument is out of range or the model knows other items.
        DataError: No target is left.
    """
    ks = _checked_lengths(ks)
    _check(model, split, resamples)
    held_out = _part(split, part)
    targets = reachable(held_out) if exclude_seen else held_out
    if not len(targets):
        raise DataError(
            "every target is already in the person's history.", hint="Set exclude_seen to false."
        )
    counts = split.train.item_counts
    started = time.perf_counter()
    lists = _ranked(model, targets.histories, ks[-1], exclude_seen)
    seconds = time.perf_counter() - started
    views = _views(model, targets, lists, counts == 0, exclude_seen)
    values = {name: figures.accuracy(view, ks) for name, view in views.items()}
    expected = _ranked(Popularity().fit(split.train), targets.histories, ks[-1], exclude_seen)
    values[ALL] |= figures.list_qualities(
        views[ALL], expected, counts, _vectors(split, vectors), ks
    )
    others: dict[str, list[Statistic]] = {
        name: list(figures.exposure(view, ks)) for name, view in views.items()
    }
    others[ALL].append(figures.popularity_lift(lists, targets.histories, counts, ks))
    return EvaluationReport(
        model=model.name,
        split=split.kind,
        fingerprint=split.fingerprint,
        part=part,
        ks=ks,
        exclude_seen=exclude_seen,
        unreachable_targets=len(held_out.items.values) - len(targets.items.values),
        users_without_targets=len(held_out) - len(targets),
        seconds=seconds,
        groups={
            name: figures.group(view, values[name], others[name], resamples=resamples, seed=seed)
            for name, view in views.items()
        },
        exposure_curve=figures.exposure_curve(lists, len(split.train.item_vocabulary)),
        per_user=_per_user(split, targets, views, values),
    )


def reachable(targets: Targets) -> Targets:
    """The targets that are not in their person's history, and the people who have any."""
    span = int(max(targets.histories.values.max(initial=0), targets.items.values.max(initial=0)))
    seen = targets.histories.row_of_value * (span + 1) + targets.histories.values
    wanted = targets.items.row_of_value * (span + 1) + targets.items.values
    left = Targets(targets.users, targets.histories, _only(targets.items, ~np.isin(wanted, seen)))
    return left.take(np.flatnonzero(left.items.lengths))


def _views(
    model: Recommender,
    targets: Targets,
    lists: Lists,
    cold: NDArray[np.bool_],
    exclude_seen: bool,
) -> dict[str, View]:
    """The groups of targets; `cold`, bool[items + 1], are the items without training events."""
    everybody = np.arange(len(targets))
    views = {ALL: View(everybody, lists, targets.items, np.ones_like(cold))}
    is_cold = cold[targets.items.values]
    if not is_cold.any():
        return views
    if not is_cold.all():
        views[WARM] = View(everybody, lists, _only(targets.items, ~is_cold), ~cold)
    cold_targets = _only(targets.items, is_cold)
    views[COLD] = View(everybody, lists, cold_targets, cold)
    people = np.flatnonzero(cold_targets.lengths)
    among_cold = _ranked(
        model,
        targets.histories.take(people),
        lists.shape[1],
        exclude_seen,
        candidates=np.flatnonzero(cold[1:]).astype(np.int32) + 1,
    )
    views[COLD_ONLY] = View(people, among_cold, cold_targets.take(people), cold)
    return views


def _ranked(
    model: Recommender,
    histories: Ragged,
    k: int,
    exclude_seen: bool,
    candidates: NDArray[np.int32] | None = None,
) -> Lists:
    """int32[people, k], also where the catalogue has fewer than k items."""
    items = model.rank(histories, k, exclude_seen=exclude_seen, candidates=candidates).items
    return np.pad(items, ((0, 0), (0, k - items.shape[1])))


def _per_user(
    split: Split, targets: Targets, views: dict[str, View], values: dict[str, PerUser]
) -> pl.DataFrame:
    columns = [split.train.user_vocabulary.decode(targets.users).alias(USER_ID)]
    for group, per_user in values.items():
        prefix = "" if group == ALL else f"{group}/"
        for name, found in per_user.items():
            column = np.full(len(targets), np.nan)
            column[views[group].people] = found
            columns.append(pl.Series(prefix + name, column, nan_to_null=True))
    return pl.DataFrame(columns)


def _vectors(split: Split, given: NDArray[np.float32] | None) -> Vectors | None:
    items = split.train.items
    if given is None:
        return category_vectors(items["categories"]) if "categories" in items.columns else None
    if given.ndim != 2 or len(given) != len(items) + 1:
        raise InputError(
            f"the vectors must have {len(items) + 1} rows, one for each item code from 0, "
            f"not the shape {given.shape}.",
            field="vectors",
        )
    return given


def _check(model: Recommender, split: Split, resamples: int) -> None:
    if resamples < _LEAST_RESAMPLES:
        raise InputError(
            f"at least {_LEAST_RESAMPLES} resamples are needed, not {resamples}.",
            field="resamples",
        )
    if model.item_vocabulary != split.train.item_vocabulary:
        raise InputError(
            "the model knows other items than the split.", hint="Fit it on this split's train."
        )


def _part(split: Split, part: str) -> Targets:
    parts = {"test": split.test, "validation": split.validation}
    if part not in parts:
        raise InputError(f"there is no part '{part}'.", field="part", hint=f"Known: {list(parts)}.")
    return parts[part]


def _checked_lengths(ks: Sequence[int]) -> tuple[int, ...]:
    if not ks or min(ks) < 1:
        raise InputError(f"lists must have a length of at least 1, not {list(ks)}.", field="ks")
    return tuple(sorted(set(ks)))


def _only(rows: Ragged, kept: NDArray[np.bool_]) -> Ragged:
    """The values where `kept`, bool[total], is true, in the rows they were in."""
    groups = rows.row_of_value[kept].astype(np.int32)
    return Ragged.from_groups(rows.values[kept], groups, len(rows))
