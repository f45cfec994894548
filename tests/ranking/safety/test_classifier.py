from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foretaste.errors import ArtifactError, ConfigError, DataError, InputError, UnknownIdError
from foretaste.ranking import Catalogue, HarmClassifier, ReviewQueue
from foretaste.ranking.safety import SafetyConfig, SafetyGate
from tests.ranking.worlds import CATALOGUE, DATA, ITEMS, MODEL, items


class GinEncoder:
    """Vectors that tell gin from lemonade, with noise."""

    dimension = 4
    fingerprint = "gin-1"

    def encode(self, table: pl.DataFrame) -> np.ndarray:
        rng = np.random.default_rng(len(table))
        vectors = rng.normal(0, 0.1, (len(table), self.dimension)).astype(np.float32)
        vectors[:, 0] += table["title"].str.contains("Gin").fill_null(False).to_numpy()
        return vectors


GIN = items()["title"].str.contains("Gin")


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    found = HarmClassifier.fit(items(), GIN, GinEncoder(), regularisation=0.01)
    return found.save(tmp_path / "harm.safetensors")


def test_what_was_learnt_comes_back_from_the_file(classifier: Path) -> None:
    again = HarmClassifier.load(classifier)
    likely = again.probabilities(GinEncoder().encode(items()), encoder="gin-1")
    assert ((likely > 0.5) == GIN.to_numpy()).all()
    fitted = HarmClassifier.fit(items(), GIN, GinEncoder(), regularisation=0.01)
    np.testing.assert_array_equal(again.weights, fitted.weights)


def test_labels_and_vectors_must_fit(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        HarmClassifier.fit(items(), [True] * ITEMS, GinEncoder())
    with pytest.raises(DataError):
        HarmClassifier.fit(items(), [True, False], GinEncoder())
    loaded = HarmClassifier.load(classifier)
    with pytest.raises(InputError):
        loaded.probabilities(np.zeros((1, 4), np.float32), encoder="another")
    with pytest.raises(InputError):
        loaded.probabilities(np.full((1, 4), np.nan, np.float32), encoder="gin-1")
    (tmp_path / "no.safetensors").write_text("no")
    for path in ("no.safetensors", "none.safetensors"):
        with pytest.raises(ArtifactError):
            HarmClassifier.load(tmp_path / path)


def gate(harm: dict) -> SafetyGate:
    return SafetyGate(SafetyConfig.parse({"harm": harm}), CATALOGUE, GinEncoder())


def test_harmful_items_are_blocked(classifier: Path) -> None:
    banned = ~gate({"classifier": classifier, "block": 0.5}).allowed()[1:]
    assert (banned == GIN.to_numpy()).all()


def test_doubtful_items_wait_for_a_person(classifier: Path, tmp_path: Path) -> None:
    queue = ReviewQueue(tmp_path / "review.jsonl")
    harm = {"classifier": classifier, "block": 1.0, "review": 0.5, "queue": queue.path}
    gin = set(items().filter(GIN)["item_id"])
    first = gate(harm)
    assert set(queue.read()["item_id"]) == gin
    assert "waits for review" in first.verdict.labels[-1]
    assert set(DATA.items.filter(~pl.Series(first.allowed()[1:]))["item_id"]) == gin
    assert gate(harm | {"show_unreviewed": True}).allowed()[1:].all()
    queue.decide(["i05"], "allow")
    queue.decide(["i10"], "block")
    again = gate(harm | {"show_unreviewed": True})
    assert set(DATA.items.filter(~pl.Series(again.allowed()[1:]))["item_id"]) == {"i10"}
    strict = gate(harm)
    assert set(DATA.items.filter(~pl.Series(strict.allowed()[1:]))["item_id"]) == gin - {"i05"}
    # Decisions stand, whatever is added later.
    assert len(queue.read()) == len(gin)


def test_a_classifier_needs_its_encoder(classifier: Path) -> None:
    config = SafetyConfig.parse({"harm": {"classifier": classifier}})
    with pytest.raises(ConfigError, match="encoder"):
        SafetyGate(config, CATALOGUE)
    with pytest.raises(ConfigError):
        SafetyConfig.parse({"harm": {"classifier": classifier, "review": 0.9, "block": 0.5}})


def test_queue_is_written_whole_and_understood_or_refused(tmp_path: Path) -> None:
    queue = ReviewQueue(tmp_path / "new" / "review.jsonl")
    assert queue.read().is_empty()
    queue.add(pl.Series([7, 8]), pl.Series([0.6, 0.8]))
    queue.add(pl.Series([8, 9]), pl.Series([0.1, 0.7]))
    assert queue.read()["item_id"].to_list() == ["8", "7", "9"]
    assert queue.read()["probability"].to_list() == [0.8, 0.6, 0.7]
    assert [path.name for path in queue.path.parent.iterdir()] == ["review.jsonl"]
    with pytest.raises(UnknownIdError):
        queue.decide(["8", "none"], "allow")
    assert queue.read()["decision"].null_count() == 3
    queue.path.write_text('{"item_id": "8", "probability": 0.8, "decision": "perhaps"}\n')
    with pytest.raises(DataError, match="perhaps"):
        queue.read()
    queue.path.write_text("what")
    with pytest.raises(DataError):
        queue.read()


def test_vectors_must_be_of_the_catalogue_and_finite() -> None:
    with pytest.raises(InputError, match="one vector for each"):
        Catalogue.of(MODEL, vectors=np.ones((3, 2), np.float32))
    with pytest.raises(InputError, match="NaN"):
        Catalogue.of(MODEL, vectors=np.full((ITEMS, 2), np.nan, np.float32))
