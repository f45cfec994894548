"""Figures out of the records of cells, and what they were wanted to be."""

from __future__ import annotations

from statistics import median
from typing import Any

NDCG, RECALL = "NDCG@10", "Recall@10"

Record = dict[str, Any]
Target = dict[str, Any]


def done(records: list[Record], **cell: Any) -> list[Record]:
    """The records of measured cells with these fields; one at the end of its budget is measured."""
    return [
        record
        for record in records
        if record["status"].startswith("done") and cell.items() <= record["cell"].items()
    ]


def figure(record: Record, metric: str = NDCG, group: str = "all") -> float:
    """One figure of a cell's report."""
    return record["report"]["groups"][group]["metrics"][metric]["value"]


def median_figure(
    records: list[Record], metric: str = NDCG, group: str = "all", **cell: Any
) -> float | None:
    """Median over the measured cells with these fields; None where there is none."""
    found = [figure(record, metric, group) for record in done(records, **cell)]
    return median(found) if found else None


def one_split(records: list[Record], **cell: Any) -> str:
    """The fingerprint of the split that the measured cells with these fields share.

    Raises:
        ValueError: They were measured on different splits and can't be compared.
    """
    found = {record["split_fingerprint"] for record in done(records, **cell)}
    if len(found) != 1:
        raise ValueError(f"the cells of {cell} have {len(found)} splits; measure them again")
    return found.pop()


def seconds_to_reach(
    curve: list[dict[str, Any]], goal: float, clock: str = "seconds"
) -> float | None:
    """Training time until a learning curve first stands at the goal; None if it never does.

    Args:
        curve: What every epoch did.
        goal: Of the metric.
        clock: "seconds" on the wall, or "cpu_seconds" of the processor.
    """
    seconds = 0.0
    for epoch in curve:
        seconds += epoch[clock]
        if epoch["metric"] >= goal:
            return seconds
    return None


def best_metric(curve: list[dict[str, Any]]) -> float:
    """The best validation metric of a learning curve."""
    return max(epoch["metric"] for epoch in curve)


def at_least(name: str, wanted: float, got: float | None, digits: int = 5) -> Target:
    """A figure that should be large; nothing, and zero, are never enough."""
    met = got is not None and got >= wanted and got > 0
    return _target(name, f">= {wanted:.{digits - 1}f}", got, met, digits)


def at_most(name: str, wanted: float, got: float | None, digits: int = 5) -> Target:
    """A figure that should be small; nothing is never enough."""
    return _target(
        name, f"<= {wanted:.{digits - 1}f}", got, got is not None and got <= wanted, digits
    )


def _target(name: str, wanted: str, got: float | None, met: bool, digits: int) -> Target:
    shown = None if got is None else round(got, digits)
    return {"name": name, "wanted": wanted, "got": shown, "met": met}
