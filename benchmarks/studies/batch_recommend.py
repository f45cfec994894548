"""Users a second when everybody gets a top-10, their own items left out, against other libraries.

20,000 people with 50 actions each over catalogues of 10,000 and 1,000,000 items, every one of
them acted on; everybody is answered, and nobody's training matters. In a cell ours and the peers
answer the same people in turn, after a warm-up:

- `sequence` against RecTools' SASRec of the same dimension, blocks, heads and length: from ids to
  a table of recommendations, by each library's own `recommend`.
- `als`: from histories to item codes, with the same item factors in all. Ours and `implicit` solve
  for every person from their history (`recalculate_user`); `implicit` with stored users, and the
  rankers of RecTools (which get the users' factors too), are spared that.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import foretaste as ft
from figures import Record, at_least, done
from foretaste.data import Dataset, Ragged
from foretaste.data.schema import ITEM_ID, TIMESTAMP, USER_ID
from harness import Cell
from peers.environment import why_missing
from peers.exchange import run_in, write_histories

ITEMS = {"items-10k": 10_000, "items-1m": 1_000_000}
EVERYBODY = "everybody"
SEQUENCE, ALS = "sequence", "als"
K = 10
_PEOPLE, _ACTIONS, _WARM_UP = 20_000, 50, 256
_WANTED = 3.0
#: By model: environment, library and script of the peers that are measured beside it.
_PEERS = {
    SEQUENCE: [("numpy-1", "rectools", "recommend_rectools_sasrec.py")],
    ALS: [
        ("numpy-2", "implicit", "recommend_implicit.py"),
        ("numpy-1", "rectools", "recommend_rectools_rankers.py"),
    ],
}


def cells() -> list[Cell]:
    """Both models on both catalogues."""
    return [Cell(data=d, split=EVERYBODY, model=m, seed=0) for d in ITEMS for m in _PEERS]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Ours and its peers in turn on the same histories."""
    dataset = people_and_items(ITEMS[cell.data], cell.seed)
    with tempfile.TemporaryDirectory(prefix="foretaste-recommend-") as temporary:
        folder = Path(temporary)
        users = np.arange(1, len(dataset.user_vocabulary) + 1, dtype=np.int32)
        write_histories(folder / "histories.npz", people=(users, dataset.histories()))
        ours = _sequence if cell.model == SEQUENCE else _als
        found = {cell.model: ours(dataset, folder, cell.seed)}
        for environment, library, script in _PEERS[cell.model]:
            missing = why_missing(environment, library)
            if missing is not None:
                found[library] = {"status": f"not installed: {missing}"}
                continue
            run_in(environment, script, folder)
            found |= json.loads((folder / "answer.json").read_text())
        lists = {path.stem: np.load(path) for path in sorted(folder.glob("lists-*.npy"))}
    return {
        "items": len(dataset.item_vocabulary),
        "people": len(dataset.user_vocabulary),
        "ways": found,
        "same_recommendations": agreement(lists),
    }


def people_and_items(items: int, seed: int) -> Dataset:
    """People whose histories together hold every item, some far more often than others."""
    rng = np.random.default_rng(seed)
    n = _PEOPLE * _ACTIONS
    more = (items * rng.random(n - items) ** 3).astype(np.int64) if n > items else []
    codes = rng.permutation(np.concatenate([np.arange(items), more]).astype(np.int64))
    people = np.repeat(np.arange(_PEOPLE), _ACTIONS)
    events = pl.DataFrame({USER_ID: people, ITEM_ID: codes, TIMESTAMP: np.arange(n)})
    return Dataset.from_tables(events, clock="order")


def _sequence(dataset: Dataset, folder: Path, seed: int) -> dict[str, Any]:
    """Trains a single epoch of large batches, as only the shape of the network matters."""
    model = ft.SequenceRecommender(seed=seed, training={"epochs": 1, "batch_tokens": 2**17})
    model.fit(dataset)
    shape = {
        "n_factors": model.config.dimension,
        "n_blocks": model.config.layers,
        "n_heads": model.config.heads,
        "session_max_len": model.config.length,
    }
    (folder / "job.json").write_text(json.dumps({"k": K, "seed": seed, "arguments": shape}))
    users = dataset.user_vocabulary.ids
    return timed(lambda rows: model.recommend(users=users.gather(rows), k=K), len(users))


def _als(dataset: Dataset, folder: Path, seed: int) -> dict[str, Any]:
    model = ft.ALS(seed=seed, iterations=1).fit(dataset)
    np.save(folder / "item-factors.npy", model.state().tensors["als.item_factors"])
    arguments = {
        "factors": model.config.factors,
        "regularization": model.config.regularisation,
        "alpha": 1 + model.config.alpha,
    }
    (folder / "job.json").write_text(json.dumps({"k": K, "seed": seed, "arguments": arguments}))
    histories = dataset.histories()
    np.save(folder / "lists-ours.npy", model.rank(_first(histories, _WARM_UP), K).items)
    return timed(lambda rows: model.rank(histories.take(rows), K), len(histories))


def timed(recommend: Callable[[NDArray[np.int64]], object], people: int) -> dict[str, Any]:
    """Seconds of one call for everybody, after one for a few."""
    everybody = np.arange(people)
    recommend(everybody[:_WARM_UP])
    started = time.perf_counter()
    recommend(everybody)
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 3), "users_a_second": round(people / seconds, 1)}


def agreement(lists: dict[str, NDArray[np.int32]]) -> dict[str, float]:
    """Share of our recommendations to the first people that a peer with our factors gives too."""
    ours = lists.pop("lists-ours", None)
    return {
        name: float(
            np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(ours, its, strict=True)])
        )
        for name, its in lists.items()
        if ours is not None
    }


def _first(histories: Ragged, n: int) -> Ragged:
    return histories.take(np.arange(n))


def summary(records: list[Record]) -> dict[str, Any]:
    """Users a second of every way, and how many times ours each is."""
    return {
        f"{record['items']:,} items, {record['cell']['model']}": {
            way: {
                "users a second": figures.get("users_a_second"),
                "ours over it": _times(record, way),
                "same recommendations": record["same_recommendations"].get(f"lists-{way}"),
                "status": figures.get("status", "done"),
            }
            for way, figures in record["ways"].items()
        }
        for record in done(records)
    }


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """Every way of a peer against ours."""
    return [
        at_least(
            f"{record['items']:,} items: users a second of {record['cell']['model']} over {way}",
            _WANTED,
            _times(record, way),
            digits=2,
        )
        for record in done(records)
        for way in record["ways"]
        if way != record["cell"]["model"]
    ]


def _times(record: Record, way: str) -> float | None:
    ours = record["ways"][record["cell"]["model"]]["users_a_second"]
    its = record["ways"][way].get("users_a_second")
    return None if its is None else round(ours / its, 2)
