"""Pictures of how well interest was foreseen, drawn without a display."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from foretaste.evaluation.plots import write_picture
from foretaste.models.interest.measures import auc, ece, reliability

_SIZE = (5.0, 4.5)

Values = NDArray[np.floating]


def plot_roc(labels: Values, said: Values, path: str | Path) -> Path:
    """Draws the share of interest found against the share of the rest that came along.

    Args:
        labels: float[n], 0 and 1.
        said: float[n], probabilities.
        path: Where to write; the ending gives the format (.png, .svg, .pdf).
    """
    wrong, found, _ = roc_curve(labels, said)
    figure = Figure(_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
    axes.plot(wrong, found)
    axes.set_xlabel("share of pairs without interest")
    axes.set_ylabel("share of pairs with interest")
    axes.set_title(f"ROC, area {auc(labels, said):.4f}", fontsize="medium")
    return write_picture(figure, Path(path))


def plot_precision(labels: Values, said: Values, path: str | Path) -> Path:
    """Draws precision against recall; arguments as `plot_roc`."""
    precision, recall, _ = precision_recall_curve(labels, said)
    figure = Figure(_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(float(labels.mean()), color="grey", linestyle="dotted")
    axes.plot(recall, precision)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_title("precision and recall", fontsize="medium")
    return write_picture(figure, Path(path))


def plot_reliability(labels: Values, said: Values, path: str | Path) -> Path:
    """Draws what came to be against what was said, bin by bin; arguments as `plot_roc`."""
    bins = reliability(labels, said)
    figure = Figure(_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="dotted")
    sizes = 20 + 200 * bins["pairs"].to_numpy() / len(labels)
    axes.plot(bins["said"], bins["found"], color="C0")
    axes.scatter(bins["said"], bins["found"], sizes)
    axes.set_xlabel("probability that was said")
    axes.set_ylabel("share that came to be")
    axes.set_title(f"reliability, ECE {ece(labels, said):.4f}", fontsize="medium")
    return write_picture(figure, Path(path))
