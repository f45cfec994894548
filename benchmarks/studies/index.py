"""The vector index at a million items: recall, latency and memory against FAISS's flat index.

Vectors of 128 numbers lie in a thousand clusters of uneven size, within them along the same 32
directions as the clusters themselves and, less, in all others; lengths differ by a half, as those
of learnt items do. Queries are drawn likewise, and asked one at a time on two threads. The
reference is FAISS's flat index over float32, in the same process. A filter allows items drawn at
random; its recall@10 is against the flat index under the same filter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from foretaste.ranking.index import IndexConfig, VectorIndex, build_index
from harness import Cell

SIZES = {"clustered-100k": 100_000, "clustered-1m": 1_000_000}
KINDS = ("ivf-float16", "ivf-int8", "exact-float16")
DIMENSION, DIRECTIONS, CLUSTERS = 128, 32, 1000
QUERIES, NEIGHBOURS, THREADS = 1000, 100, 2
SHARES = (0.1, 0.01, 0.0001)
LARGE = "clustered-1m"
WITHIN = "inner-product"


def cells() -> list[Cell]:
    return [
        Cell(data=data, split=WITHIN, model=kind, seed=0)
        for data in SIZES
        for kind in KINDS
        if not (data == LARGE and kind.startswith("exact"))
    ]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Builds one index and asks it and the flat one the same questions."""
    faiss.omp_set_num_threads(THREADS)
    vectors, queries = clustered(SIZES[cell.data], cell.seed)
    codes = np.arange(1, len(vectors) + 1, dtype=np.int32)
    kind, precision = cell.model.split("-")
    config = IndexConfig.parse({"kind": kind, "precision": precision})
    before = resident_mib()
    started = time.perf_counter()
    index = build_index(codes, vectors, config)
    seconds = time.perf_counter() - started
    grown = resident_mib() - before
    flat = faiss.IndexFlatIP(DIMENSION)
    flat.add(vectors)
    true = flat.search(queries, NEIGHBOURS)[1] + 1
    found, times = one_by_one(queries, lambda query: index.search(query, NEIGHBOURS).items)
    _, flat_times = one_by_one(queries[:100], lambda query: flat.search(query, NEIGHBOURS)[1])
    return {
        "kind": index.kind,
        "lists_visited": getattr(index, "probes", None),
        "build_seconds": round(seconds, 1),
        "index_mib": round(index.memory_bytes / 2**20),
        "resident_growth_mib": round(grown),
        "recall@100": round(recall(found, true), 4),
        **latencies(times, ""),
        **latencies(flat_times, "flat "),
        "filters": {str(share): filtered(index, flat, queries[:200], share) for share in SHARES},
        **changes(index, vectors),
    }


def clustered(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors and queries."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((CLUSTERS, DIRECTIONS), np.float32)
    directions = rng.standard_normal((DIRECTIONS, DIMENSION), np.float32) / DIRECTIONS**0.5
    shares = 1 / np.arange(1, CLUSTERS + 1) ** 0.8
    cluster = rng.choice(CLUSTERS, n + QUERIES, p=shares / shares.sum())
    vectors = (centres @ directions)[cluster]
    vectors += 0.7 * rng.standard_normal(vectors.shape, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[:n] *= rng.uniform(0.8, 1.3, (n, 1)).astype(np.float32)
    return vectors[:n], vectors[n:]


def filtered(
    index: VectorIndex, flat: Any, queries: NDArray[np.float32], share: float
) -> dict[str, Any]:
    """The ten best of an allowed share of the items."""
    rng = np.random.default_rng(1)
    allowed = rng.permutation(len(index))[: round(share * len(index))].astype(np.int64)
    selector = faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))
    true = flat.search(queries, 10, params=selector)[1] + 1
    among = index.mask_of(allowed + 1)
    found, times = one_by_one(queries, lambda query: index.search(query, 10, allowed=among).items)
    return {
        "full": bool((found > 0).all() and found.shape == true.shape),
        "recall@10": round(recall(found, true), 4),
        **latencies(times, ""),
    }


def changes(index: VectorIndex, vectors: NDArray[np.float32]) -> dict[str, float]:
    """Seconds to delete a thousand vectors, and to add them again."""
    codes = np.arange(1, 1001)
    started = time.perf_counter()
    index.delete(codes)
    deleted = time.perf_counter()
    index.add(codes, vectors[:1000])
    added = time.perf_counter()
    return {
        "delete_1000_seconds": round(deleted - started, 4),
        "add_1000_seconds": round(added - deleted, 4),
    }


def one_by_one(
    queries: NDArray[np.float32], ask: Callable[[NDArray[np.float32]], NDArray[Any]]
) -> tuple[NDArray[Any], list[float]]:
    """Answers to queries asked singly, and the seconds that each took."""
    ask(queries[:1])
    answers, times = [], []
    for row in range(len(queries)):
        started = time.perf_counter()
        answers.append(ask(queries[row : row + 1]))
        times.append(time.perf_counter() - started)
    return np.concatenate(answers), times


def recall(found: NDArray[Any], true: NDArray[Any]) -> float:
    rows = zip(found, true, strict=True)
    return float(np.mean([np.isin(wanted, got).mean() for got, wanted in rows]))


def latencies(times: list[float], prefix: str) -> dict[str, float]:
    return {
        f"{prefix}p50_ms": round(1e3 * float(np.quantile(times, 0.5)), 3),
        f"{prefix}p99_ms": round(1e3 * float(np.quantile(times, 0.99)), 3),
    }


def resident_mib() -> float:
    """Memory that this process holds resident now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


_SHOWN = ("recall@100", "p50_ms", "p99_ms", "flat p99_ms", "index_mib", "build_seconds")


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """By size and kind."""
    return {
        data: {
            record["cell"]["model"]: {name: record[name] for name in _SHOWN}
            | {
                f"recall@10 of {float(share):.2%}": figures["recall@10"]
                for share, figures in record["filters"].items()
            }
            for record in found
        }
        for data in SIZES
        if (found := [r for r in records if r["status"] == "done" and r["cell"]["data"] == data])
    }


def targets(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the default index was wanted to do at a million items."""
    [record] = [
        r
        for r in records
        if r["status"] == "done" and (r["cell"]["data"], r["cell"]["model"]) == (LARGE, KINDS[0])
    ] or [None]
    wanted: list[tuple[str, str, Callable[[Any], Any], Callable[[Any], bool]]] = [
        ("recall@100", ">= 0.98", lambda r: r["recall@100"], lambda got: got >= 0.98),
        ("p99, ms", "< 20", lambda r: r["p99_ms"], lambda got: got < 20),
        ("index memory, MiB", "< 1200", lambda r: r["index_mib"], lambda got: got < 1200),
        (
            "filtered top ten are ten",
            "always",
            lambda r: all(figures["full"] for figures in r["filters"].values()),
            bool,
        ),
    ]
    return [
        {
            "name": f"{LARGE}, {KINDS[0]}: {name}",
            "wanted": want,
            "got": None if record is None else get(record),
            "met": record is not None and met(get(record)),
        }
        for name, want, get, met in wanted
    ]
