from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as oracle

from foretaste import artifacts
from foretaste.errors import ArtifactError
from foretaste.evaluation.interest import evaluate_interest, figures, rating_figures
from foretaste.models import ItemKNN
from tests.contracts.worlds import two_tastes
from tests.models.interest import worlds


def test_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    people, said = rng.integers(0, 9, 300), rng.random(300).astype(np.float32)
    labels = (rng.random(300) < said).astype(float)
    found = figures(people, labels, said, threshold=0.4)
    chosen = said >= 0.4
    assert found["precision"] == pytest.approx(oracle.precision_score(labels, chosen))
    assert found["recall"] == pytest.approx(oracle.recall_score(labels, chosen))
    assert found["f1"] == pytest.approx(oracle.f1_score(labels, chosen))
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(labels, chosen))
    assert found["recall of 0"] == pytest.approx(oracle.recall_score(1 - labels, ~chosen))
    assert found["brier"] == pytest.approx(oracle.brier_score_loss(labels, said), abs=1e-6)
    cells = ["true negatives", "false positives", "false negatives", "true positives"]
    assert [found[cell] for cell in cells] == oracle.confusion_matrix(
        labels, chosen
    ).ravel().tolist()


def test_figures_without_meaning_are_left_out() -> None:
    found = figures(np.array([1, 2]), np.array([1.0, 1.0]), np.array([0.2, 0.4]))
    assert "auc" not in found
    assert "log_loss" in found


def test_errors_of_ratings() -> None:
    found = rating_figures(np.array([1.0, 5.0]), np.array([2.0, 2.0]))
    assert found == {"rmse": pytest.approx(np.sqrt(5)), "mae": 2.0}


def test_a_run_comes_back_with_what_was_measured(tmp_path: Path) -> None:
    parts = worlds.parts()
    model = worlds.model("trees").fit(parts.train, parts.validation)
    report = evaluate_interest(model, parts)
    assert set(report.histories) == {"validation", "streaming"}
    assert report.histories["streaming"]["auc"] > 0.66
    path = artifacts.save_interest(
        model, tmp_path / "run", parts=parts, report=report, config={"task": "interest"}
    )
    run = artifacts.open_run(path)
    assert run.interest_report == report
    assert run.split_fingerprint == parts.fingerprint
    np.testing.assert_array_equal(
        run.interest.predict(parts.test.events), model.predict(parts.test.events)
    )
    drawn = {file.name for file in (path / "plots").iterdir()}
    assert {"roc.png", "precision.png", "reliability.png"} <= drawn
    assert "trees" in (path / "card.md").read_text()
    with pytest.raises(ArtifactError, match="already"):
        artifacts.save_interest(model, path, parts=parts)


def test_a_recommender_gives_no_probabilities(tmp_path: Path) -> None:
    path = artifacts.save(ItemKNN().fit(two_tastes()), tmp_path / "run")
    with pytest.raises(ArtifactError, match="no probabilities"):
        _ = artifacts.open_run(path).interest
