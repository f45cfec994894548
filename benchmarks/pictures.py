"""Pictures of the studies, as SVG beside the docs page; drawn from the results, nothing typed."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import NDCG, done

#: Models whose learning curves are shown, if they were measured.
_CURVES = (
    "sequence",
    "sequence-without-text",
    "rectools-sasrec",
    "rectools-esasrec",
    "rectools-hstu",
    "recbole-sasrec",
    "recbole-bert4rec",
)
#: The same results give the same file.
_STYLE = {"svg.hashsalt": "foretaste", "svg.fonttype": "none", "font.size": 9}
_METADATA = {"Date": None}


def pictures_of(result: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Draws what a study has to show.

    Returns:
        The files, by what each shows.
    """
    drawn = {
        "quality": _learning_curves,
        "scaling": _scaling,
        "diversity": _diversity,
        "cold_start": _cold_start,
        "exposure_bias": _exposure_bias,
        "models": _quality_and_cost,
        "interest": _auc_of_bodies,
        "content": _forms,
        "pretraining": _encoders,
        "transfer": _transfer,
    }.get(result["study"], lambda _: {})(result)
    paths = {}
    for name, (title, figure) in drawn.items():
        paths[title] = folder / f"{name}.svg"
        with mpl.rc_context(_STYLE):
            figure.savefig(paths[title], metadata=_METADATA)
    return paths


def _learning_curves(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """Validation NDCG against seconds of training, one picture a data set."""
    drawn = {}
    for data in dict.fromkeys(record["cell"]["data"] for record in result["cells"]):
        figure, axes = _picture()
        for model in _CURVES:
            for record in done(result["cells"], data=data, model=model)[:1]:
                _draw_curve(axes, model, record["learning_curve"])
        if axes.lines:
            axes.set_xlabel("seconds of training, validation left out")
            axes.set_ylabel(f"validation {NDCG}")
            axes.legend()
            drawn[f"learning-curves-{data}"] = (f"Learning curves on {data}, first seed", figure)
    return drawn


def _draw_curve(axes: Axes, model: str, curve: list[dict[str, Any]]) -> None:
    seconds = 0.0
    points = []
    for epoch in curve:
        seconds += epoch["seconds"]
        points.append((seconds, epoch["metric"]))
    style = "-" if model.startswith("sequence") else "--"
    axes.semilogx(*zip(*points, strict=True), style, marker=".", markersize=3, label=model)


def _scaling(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """Seconds and memory of an epoch against items, a line for each length of log."""
    records = done(result["cells"])
    if not records:
        return {}
    figure, panels = _two_panels()
    figures = {"epoch_seconds": "seconds an epoch", "peak_memory_mib": "peak memory, MiB"}
    for axes, (key, label) in zip(panels, figures.items(), strict=True):
        for events in dict.fromkeys(record["cell"]["split"] for record in records):
            line = sorted((r["items"], r[key]) for r in done(records, split=events))
            axes.loglog(*zip(*line, strict=True), "o-", label=events.replace("events-", "events: "))
        axes.set_xlabel("items")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
    return {"scaling": ("Cost of an epoch", figure)}


def _two_panels() -> tuple[Figure, NDArray[Any]]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        return figure, figure.subplots(1, 2)


def _diversity(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """NDCG against diversity, novelty and coverage along the sliders, a picture a data set."""
    drawn = {}
    for data in dict.fromkeys(record["cell"]["data"] for record in done(result["cells"])):
        with mpl.rc_context(_STYLE):
            figure = Figure(figsize=(9, 3.2), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        for axes, name in zip(panels, ("diversity", "novelty", "coverage"), strict=True):
            for record in done(result["cells"], data=data):
                curve = record["curve"]
                values = ([point[which] for point in curve] for which in (name, "ndcg"))
                axes.plot(*values, marker=".", markersize=4, label=record["cell"]["model"])
            axes.set_xlabel(f"{name}@10")
            axes.grid(alpha=0.3)
        panels[0].set_ylabel(NDCG)
        panels[0].legend()
        drawn[f"diversity-{data}"] = (f"What diversity costs on {data}", figure)
    return drawn


#: What the curves of a split of `cold_start` are of; the others are one point, for a table.
_KNOWN_OF = {
    "leave-one-out": "the last actions of veterans",
    "first-actions": "the first actions of new people",
    "item-cold": "new items among their like",
}


def _cold_start(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """NDCG against the number of actions that are known, a picture a data set and split."""
    drawn = {}
    asked = dict.fromkeys((r["cell"]["data"], r["cell"]["split"]) for r in done(result["cells"]))
    for data, split in asked:
        if split not in _KNOWN_OF:
            continue
        figure, axes = _picture()
        for record in done(result["cells"], data=data, split=split):
            curve = record["curve"]
            places = range(len(curve))
            values = [point["ndcg"] for point in curve]
            axes.plot(places, values, marker=".", label=record["cell"]["model"])
            bounds = ([point[end] for point in curve] for end in ("low", "high"))
            axes.fill_between(places, *bounds, alpha=0.15)
            axes.set_xticks(places, [str(point["history"]) for point in curve])
        axes.set_xlabel("actions known")
        axes.set_ylabel(NDCG)
        axes.legend()
        title = f"Cold start on {data}: {_KNOWN_OF[split]}"
        drawn[f"cold-start-{data}-{split}"] = (title, figure)
    return drawn


def _transfer(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """NDCG against the share of the new shop's people, a picture a pair of shops."""
    drawn = {}
    for title, rows in result["summary"].items():
        shops = title.partition(",")[0]
        figure, axes = _picture()
        for start in dict.fromkeys(name for row in rows.values() for name in row):
            if start == "events":
                continue
            line = [(place, row[start]) for place, row in enumerate(rows.values()) if start in row]
            style = "--" if start == "content" else "-"
            axes.plot(*zip(*line, strict=True), style, marker=".", label=start)
        axes.set_xticks(range(len(rows)), list(rows))
        axes.set_xlabel("people of the new shop")
        axes.set_ylabel(NDCG)
        axes.legend()
        drawn[f"transfer-{shops}"] = (f"Transfer, {shops.replace('-to-', ' to ')}", figure)
    return drawn


def _forms(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """New and known items by what reads them, a picture a data set."""
    drawn = {}
    for title, rows in result["summary"].items():
        data = title.partition(":")[0]
        panels = {
            f"{NDCG} of {kind} items": {form: row[f"{group} {NDCG}"] for form, row in rows.items()}
            for kind, group in (("new", "cold"), ("known", "warm"))
        }
        drawn[f"content-{data}"] = (f"What reads the items of {data}", _bars(panels))
    return drawn


def _encoders(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """New and known items by the language model that `content` reads, a picture a data set."""
    found = result["summary"]
    drawn = {}
    for data in dict.fromkeys(title.split()[0] for title in found):
        panels = {
            f"{NDCG} of {kind} items": {
                name: row[f"all {NDCG}"]
                for name, row in found.get(f"{data} {split}, read by content", {}).items()
            }
            for kind, split in (("new", "item-cold"), ("known", "leave-one-out"))
        }
        drawn[f"pretraining-{data}"] = (f"Language models on {data}", _bars(panels))
    return drawn


def _exposure_bias(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """True preference and what the log says of the same lists, against the correction."""
    records = done(result["cells"])
    if not records:
        return {}
    figure, panels = _two_panels()
    labels = {"preference": "true preference, sd above the mean", "logged": f"logged {NDCG}"}
    for axes, (name, label) in zip(panels, labels.items(), strict=True):
        points: dict[str, dict[float, list[float]]] = {}
        for record in records:
            model, _, strength = record["cell"]["model"].rpartition("-")
            points.setdefault(model, {}).setdefault(float(strength), []).append(record[name])
        for model, values in points.items():
            line = sorted((strength, mean(found)) for strength, found in values.items())
            axes.plot(*zip(*line, strict=True), marker=".", label=model)
        axes.set_xlabel("popularity taken for exposure")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    panels[0].legend()
    return {"exposure-bias": ("Exposure bias on the shop", figure)}


def _quality_and_cost(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """NDCG against seconds of fitting, a picture a data set."""
    drawn = {}
    for title, rows in result["summary"].items():
        points = {name: row for name, row in rows.items() if "fit seconds" in row}
        if not points:
            continue
        figure, axes = _picture()
        axes.set_xscale("log")
        for name, row in points.items():
            place = max(row["fit seconds"], 0.1), row[NDCG]
            axes.plot(*place, "o", markersize=4)
            axes.annotate(name, place, xytext=(4, 3), textcoords="offset points")
        axes.set_xlabel("seconds of fitting")
        axes.set_ylabel(NDCG)
        data = title.split()[0]
        drawn[f"models-{data}"] = (f"Quality against cost on {data}", figure)
    return drawn


def _auc_of_bodies(result: dict[str, Any]) -> dict[str, tuple[str, Figure]]:
    """AUC over all pairs and within people, a picture a question."""
    drawn = {}
    for title, rows in result["summary"].items():
        figures = {"auc": "AUC over all pairs", "uauc": "mean AUC within people"}
        panels = {
            label: {name: row[key] for name, row in rows.items()} for key, label in figures.items()
        }
        figure = _bars(panels, left=0.5)
        drawn[f"interest-{title.replace(' ', '-')}"] = (f"Interest: {title}", figure)
    return drawn


def _bars(panels: dict[str, dict[str, float | None]], *, left: float = 0.0) -> Figure:
    """Bars side by side, longest of the first panel on top; nothing where there is no value."""
    first = next(iter(panels.values()))
    names = sorted(first, key=lambda name: first[name] or 0.0)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 1 + 0.22 * len(names)), layout="constrained")
        drawn = figure.subplots(1, len(panels), sharey=True)
    colours = ["tab:grey" if "(published)" in name else "tab:blue" for name in names]
    for axes, (label, values) in zip(drawn, panels.items(), strict=True):
        axes.barh(names, [values.get(name) or left for name in names], color=colours)
        axes.set_xlim(left=left)
        axes.set_xlabel(label)
        axes.grid(alpha=0.3, axis="x")
    return figure


def _picture() -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    return figure, axes
