"""What an evaluation found: figures with intervals, and what they were measured on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeVar

import polars as pl

from foretaste.errors import InputError
from foretaste.evaluation.bootstrap import Estimate

#: The groups of targets a report may tell apart: see `evaluate`.
ALL: Final = "all"
WARM: Final = "warm"
COLD: Final = "cold"
COLD_ONLY: Final = "cold_only"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Group:
    """The figures of one group of targets.

    Attributes:
        users: People with at least one such target.
        targets: Such targets.
        items: Items of the group's part of the catalogue. Where `cold_only` ranks few, a list of
            k of them is right often by chance.
        metrics: Figures by name, such as ``"NDCG@10"``.
    """

    users: int
    targets: int
    items: int
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class EvaluationReport:
    """The result of `evaluate`. `print` shows it whole, `headline` in one line.

    Attributes:
        model: Name of the model.
        split: Kind of the split.
        fingerprint: Of the split: results with the same one answer the same question.
        part: "test" or "validation".
        ks: Lengths of list, in rising order.
        exclude_seen: Whether items of a person's history were left out of the lists.
        unreachable_targets: Targets left out because the history holds them already.
        users_without_targets: People left out because that took all their targets.
        seconds: Wall time of ranking the catalogue for everybody.
        groups: Figures by group of targets; "all" is always there.
        exposure_curve: Share of all recommendations (longest lists) that go to the least
            recommended 0%, 1% … 100% of the catalogue: the Lorenz curve.
        per_user: One row a person: `user_id` and a column for every figure that is a mean over
            people, those of the other groups named ``cold/NDCG@10``; null where it does not apply.
    """

    model: str
    split: str
    fingerprint: str
    part: str
    ks: tuple[int, ...]
    exclude_seen: bool
    unreachable_targets: int
    users_without_targets: int
    seconds: float
    groups: dict[str, Group]
    exposure_curve: tuple[float, ...]
    per_user: pl.DataFrame = field(repr=False)

    @property
    def users(self) -> int:
        """Number of people evaluated."""
        return self.groups[ALL].users

    @property
    def headline(self) -> str:
        """``sequence  NDCG@10 0.0555 [0.0531, 0.0579]  split 3f9a12bc45de``."""
        name, estimate = next(iter(self.groups[ALL].metrics.items()))
        return f"{self.model}  {name} {estimate}  split {self.fingerprint[:12]}"

    def metric(self, name: str, group: str = ALL) -> Estimate:
        """One figure.

        Raises:
            InputError: The report has no such group or figure.
        """
        metrics = _chosen(self.groups, group, "group").metrics
        return _chosen(metrics, name, "metric")

    def to_dict(self) -> dict[str, Any]:
        """The report without `per_user`, JSON-ready."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del fields["per_user"]
        groups = {name: asdict(group) for name, group in self.groups.items()}
        return fields | {
            "ks": list(self.ks),
            "groups": groups,
            "exposure_curve": list(self.exposure_curve),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], per_user: pl.DataFrame) -> EvaluationReport:
        """The report that gave `values` and `per_user`, for comparing what was measured before."""
        groups = {
            name: Group(
                users=group["users"],
                targets=group["targets"],
                items=group["items"],
                metrics={key: Estimate(**figure) for key, figure in group["metrics"].items()},
            )
            for name, group in values["groups"].items()
        }
        given: dict[str, Any] = {
            "ks": tuple(values["ks"]),
            "groups": groups,
            "exposure_curve": tuple(values["exposure_curve"]),
            "per_user": per_user,
        }
        return cls(**(dict(values) | given))

    def __str__(self) -> str:
        lines = [
            self.headline,
            f"{self.part} part of the {self.split} split, whole catalogue ranked in "
            f"{self.seconds:.1f} s, 95% bootstrap intervals over people",
        ]
        if self.unreachable_targets:
            lines.append(
                f"{self.unreachable_targets:,} targets already in the history left out, "
                f"and with them {self.users_without_targets:,} people"
            )
        return "\n".join([*lines, "", *_table(self.groups)])


def _table(groups: Mapping[str, Group]) -> list[str]:
    """Lines of a table: one row a figure, one column a group."""
    names = list(dict.fromkeys(name for group in groups.values() for name in group.metrics))
    columns = [
        [
            title,
            f"{group.users:,}",
            f"{group.targets:,}",
            f"{group.items:,}",
            *(str(group.metrics.get(name, "-")) for name in names),
        ]
        for title, group in groups.items()
    ]
    rows = zip(["", "users", "targets", "items", *names], *columns, strict=True)
    widths = [max(len(cell) for cell in column) for column in ([*names, "targets"], *columns)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _chosen(among: Mapping[str, _T], name: str, what: str) -> _T:
    if name in among:
        return among[name]
    near = difflib.get_close_matches(name, among, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(among)}."
    raise InputError(f"the report has no {what} '{name}'.", field=what, hint=hint)
