"""A small world and a model whose every answer is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from foretaste.config import Config
from foretaste.data import Dataset, Ragged, Targets
from foretaste.models.base import Recommender, Tensor


class TableConfig(Config):
    seed: int = 0
    levels: int = 6


class TableModel(Recommender):
    """Scores by the last item of the history, from a random table in which many scores tie."""

    name = "table"
    config_class = TableConfig
    config: TableConfig

    def _fit(self, train: Dataset, validation: Targets | None) -> None:
        rng = np.random.default_rng(self.config.seed)
        size = self.item_vocabulary.size
        self.table = rng.integers(0, self.config.levels, (size, size)).astype(np.float32)

    def _score(self, histories: Ragged) -> np.ndarray:
        return self.table[histories.values[histories.offsets[1:] - 1]]

    def _tensors(self) -> dict[str, Tensor]:
        return {"table": self.table}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.table = tensors["table"]


def shop(seed: int = 0, people: int = 40, items: int = 30, events: int = 400) -> Dataset:
    """Random events with repeats, a few popular items, and 5 items nobody has touched."""
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            "user_id": rng.integers(0, people, events),
            "item_id": (items * rng.random(events) ** 2).astype(np.int64),
            "timestamp": rng.permutation(events),
        }
    )
    catalogue = pl.DataFrame(
        {
            "item_id": np.arange(items + 5),
            "categories": [[f"c{i % 3}", f"d{i % 7}"] for i in range(items + 5)],
        }
    )
    return Dataset.from_tables(table, catalogue)
