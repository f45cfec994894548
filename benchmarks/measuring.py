"""What the studies do alike: read a set, train a model of ours on a split, measure it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import foretaste as ft
from foretaste.data import CleaningConfig, Dataset, Split, clean
from foretaste.memory import peak_memory_mib
from foretaste.models import Recommender
from harness import cpu_seconds

FIVE_CORE = CleaningConfig(
    impossible_times=False,
    exact_duplicates=False,
    repeat_seconds=None,
    min_user_events=5,
    min_item_events=5,
    only_with_events=True,
)


def read(folder: Path) -> Dataset:
    """The set, cut to its 5-core, without catalogue items that nobody touched."""
    dataset, _ = clean(ft.read(folder), FIVE_CORE)
    return dataset


def fit_and_evaluate(model: Recommender, split: Split, *, seed: int) -> dict[str, Any]:
    """Trains a model and measures it on the test targets."""
    started, cpu = time.perf_counter(), cpu_seconds()
    model.fit(split.train, validation=split.validation)
    fitted = {
        "fit_seconds": round(time.perf_counter() - started, 1),
        "fit_cpu_seconds": round(cpu_seconds() - cpu, 1),
        "fit_peak_memory_mib": peak_memory_mib(),
    }
    report = ft.evaluate(model, split, seed=seed)
    return {
        "settings": model.config.model_dump(mode="json"),
        "split_fingerprint": split.fingerprint,
        **fitted,
        "learning_curve": learning_curve(model),
        "report": report.to_dict(),
    }


def learning_curve(model: Recommender) -> list[dict[str, Any]] | None:
    """Loss, validation metric and seconds of every epoch, for models trained in epochs."""
    if not isinstance(model, ft.SequenceRecommender):
        return None
    return [vars(epoch) for epoch in model.training_history.epochs]
