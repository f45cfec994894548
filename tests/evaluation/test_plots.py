"""Plots are written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foretaste.errors import InputError
from foretaste.evaluation import EvaluationReport, evaluate
from foretaste.evaluation.plots import plot_comparison, plot_exposure, plot_learning_curve
from foretaste.training import Epoch, TrainingHistory
from tests.evaluation.small import TableModel, shop

SPLIT = shop().split("item-cold")
FIRST, SECOND = (
    evaluate(TableModel(seed=seed).fit(SPLIT.train), SPLIT, ks=(5, k), resamples=100)
    for seed, k in ((0, 10), (1, 20))
)
PLOTS = pytest.mark.parametrize("plot", [plot_comparison, plot_exposure])


@PLOTS
@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_picture_is_written(
    plot: Callable[..., Path], ending: str, start: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"plot.{ending}"
    assert plot([FIRST, SECOND], path) == path
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_bars_are_the_figures_at_the_longest_common_k(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Axes] = []
    monkeypatch.setattr(
        Figure,
        "savefig",
        lambda figure, path, **_: (drawn.extend(figure.axes), Path(path).touch()),
    )
    plot_comparison([FIRST, SECOND], str(tmp_path / "plot.png"), "cold_only")
    heights = [bar.get_height() for bar in drawn[0].patches]
    names = ["NDCG@5", "Recall@5", "Precision@5", "HR@5", "MRR@5", "MAP@5"]
    expected = [
        report.metric(name, "cold_only").value for report in (FIRST, SECOND) for name in names
    ]
    assert heights == expected
    assert [text.get_text() for text in drawn[0].get_xticklabels()] == names


@PLOTS
def test_a_failure_leaves_what_was_there(
    plot: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plot.png"
    path.write_text("before")

    def half(_: Figure, target: Path, **__: object) -> None:
        target.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.raises(OSError, match="disk full"):
        plot([FIRST], path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@PLOTS
@pytest.mark.parametrize(
    "reports", [[], [FIRST, replace(FIRST, fingerprint="f" * 64)], [FIRST, replace(FIRST, ks=(3,))]]
)
def test_what_can_not_be_compared_is_refused(
    plot: Callable[..., Path], reports: list[EvaluationReport], tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        plot(reports, tmp_path / "plot.png")
    assert not list(tmp_path.iterdir())


def test_learning_curve_is_drawn_with_and_without_validation(tmp_path: Path) -> None:
    pictures = []
    for metric in (0.1, None):
        epochs = [Epoch(number, 5.0 / number, metric, 1.0, 2.0) for number in (1, 2, 3)]
        path = plot_learning_curve(TrainingHistory(epochs, 2), tmp_path / "curve.png")
        pictures.append(path.read_bytes())
    assert pictures[0] != pictures[1]
    with pytest.raises(InputError, match="nothing to draw"):
        plot_learning_curve(TrainingHistory(), tmp_path / "none.png")
    assert [path.name for path in tmp_path.iterdir()] == ["curve.png"]
