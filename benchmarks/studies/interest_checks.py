"""Do DeepFM, DCNv2 and DIN foresee as well as an independent implementation of each?

Ours and DeepCTR-Torch's read the same arrays (ids of person and item, what the tables say of both,
the last items rated) of the same pairs of ML-1M (600 people, rating above 3, divided in time), at
the same settings: dimensions, layers, dropout, batches, learning rate, and stopping by validation
AUC. What only ours have is left out: counts and rates, words, averaged weights, hidden ids. The
AUC is over the test pairs, by the same code. What differs: numbers go as they are into the layers
of theirs, ours give each a vector; in DIN ours also reads what came of each item of the past.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from figures import Record, at_least, done
from foretaste.models.interest import QuestionConfig
from foretaste.models.interest.answers import Answers
from foretaste.models.interest.bodies import BodyConfig, Shape, make
from foretaste.models.interest.bodies.base import Examples
from foretaste.models.interest.inputs import Features, FeaturesConfig
from foretaste.models.interest.measures import auc
from foretaste.models.interest.question import goals_of
from foretaste.models.interest.world import World, logs_of, shape_of
from foretaste.training import TrainingConfig
from harness import Cell
from peers.environment import why_missing
from peers.exchange import run_in
from studies.interest import ML_1M, ask, question_of

BODIES = ("deepfm", "dcnv2", "din")
SEEDS = (0, 1, 2)
ENVIRONMENT, LIBRARY = "numpy-2", "deepctr_torch"
PARTS = ("train", "validation", "test")
WITHIN = 0.005
TRAINING = TrainingConfig(
    epochs=20, patience=2, batch_tokens=512, learning_rate=1e-3, average=0.0, warmup_steps=0
)
ARRAYS = ("people", "items", "choices", "scaled", "past_items")


def cells() -> list[Cell]:
    """Each body on three seeds; ours and theirs in one cell."""
    return [
        Cell(data=ML_1M, split="temporal", model=body, seed=seed)
        for body in BODIES
        for seed in SEEDS
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains both and measures both."""
    missing = why_missing(ENVIRONMENT, LIBRARY)
    if missing is not None:
        return {"status": f"not installed: {missing}"}
    fingerprint, shape, parts = read(cell, data)
    config = BodyConfig(unknown=0.0, training=TRAINING, seed=cell.seed)
    body = make(cell.model, shape, config)
    epochs = body.fit(parts["train"], parts["validation"], None)
    theirs, answer = peer(cell, shape, config, parts)
    test = parts["test"]
    return {
        "split_fingerprint": fingerprint,
        "settings": config.model_dump(mode="json"),
        "ours": {"auc": auc(test.labels, body.log_odds(test.inputs)), "epochs": epochs},
        "theirs": {"auc": auc(test.labels, theirs), **answer},
    }


def read(cell: Cell, data: Path) -> tuple[str, Shape, dict[str, Examples]]:
    """The pairs as both read them, by what was known before each."""
    question: QuestionConfig = question_of(cell)
    parts = ask(cell, data).parts
    goals = goals_of(question, rating=False)
    train = parts.train
    answers = Answers.seeing(goals, train.events)
    nothing = np.zeros((train.item_vocabulary.size, 1), np.float32)
    config = FeaturesConfig(context=(), moment=False, signals=False)
    features = Features.fit(train, nothing, config)
    logs = logs_of(parts.known("streaming"), answers)
    world = World.of(train.user_vocabulary, train.item_vocabulary, features, logs, len(train))

    def examples(part: str) -> Examples:
        return world.examples(getattr(parts, part), answers, staleness=0.0, seed=0)

    features.with_scale(examples("train").inputs)
    found = {part: examples(part) for part in PARTS}
    numbers = found["train"].inputs.numbers.shape[1]
    shape = shape_of(features, numbers, train.user_vocabulary, (), goals)
    return parts.fingerprint, shape, found


def peer(
    cell: Cell, shape: Shape, config: BodyConfig, parts: dict[str, Examples]
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Log-odds of the test pairs by DeepCTR-Torch, float32[n], and what its training took."""
    job = {
        "model": cell.model,
        "seed": cell.seed,
        "people": shape.people,
        "items": len(shape.content),
        "sizes": shape.choices,
        "dimension": config.dimension,
        "layers": config.layers,
        "dropout": config.dropout,
        "epochs": TRAINING.epochs,
        "patience": TRAINING.patience,
        "batch": TRAINING.batch_tokens,
        "learning_rate": TRAINING.learning_rate,
    }
    arrays = {
        f"{part}_{name}": getattr(one.inputs, name)
        for part, one in parts.items()
        for name in ARRAYS
    }
    arrays |= {f"{part}_labels": one.labels for part, one in parts.items()}
    with tempfile.TemporaryDirectory(prefix="foretaste-peer-") as temporary:
        folder = Path(temporary)
        np.savez(folder / "pairs.npz", **arrays)
        (folder / "job.json").write_text(json.dumps(job))
        run_in(ENVIRONMENT, "run_deepctr.py", folder)
        return np.load(folder / "scores.npy"), json.loads((folder / "answer.json").read_text())


def summary(records: list[Record]) -> dict[str, Any]:
    """Medians over seeds."""
    rows: dict[str, Any] = {}
    for body in BODIES:
        found = done(records, model=body)
        if found:
            rows[body] = {
                "auc": round(_median(found, "ours"), 4),
                "DeepCTR-Torch auc": round(_median(found, "theirs"), 4),
                "epochs": round(median(r["ours"]["epochs"] for r in found)),
                "DeepCTR-Torch epochs": round(median(r["theirs"]["epochs"] for r in found)),
                "seeds": len(found),
            }
    return {ML_1M: rows}


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """Ours may not be behind by more than what is within chance and taste."""
    found = []
    for body in BODIES:
        of_body = done(records, model=body)
        wanted = _median(of_body, "theirs") - WITHIN if of_body else 0.0
        got = _median(of_body, "ours") if of_body else None
        found.append(at_least(f"{body}: AUC, DeepCTR-Torch's less {WITHIN}", wanted, got))
    return found


def _median(records: list[Record], side: str) -> float:
    return median(record[side]["auc"] for record in records)
