"""The metrics against ranx, an independent library, and against figures worked out by hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from types import ModuleType

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste import metrics
from foretaste.evaluation.figures import ACCURACY
from foretaste.models.top_k import top_k

ITEMS = 60
RANX_NAMES = {
    "NDCG": "ndcg",
    "Recall": "recall",
    "Precision": "precision",
    "HR": "hit_rate",
    "MRR": "mrr",
    "MAP": "map",
}


@pytest.fixture(scope="module")
def ranx() -> Iterator[ModuleType]:
    """The oracle as plain Python: compiling it would take most of a minute."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(numba.config, "DISABLE_JIT", True)
        import ranx

        yield ranx


def random_rankings(
    seed: int, people: int, levels: int
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Scores with few distinct levels (so that many tie) and 1 to 12 relevant items each."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, levels + 1, (people, ITEMS + 1)).astype(np.float32)
    scores[:, 0] = -np.inf
    relevant = [
        rng.choice(np.arange(1, ITEMS + 1), rng.integers(1, 13), replace=False).astype(np.int32)
        for _ in range(people)
    ]
    ranked, _ = top_k(scores, ITEMS)
    return scores, relevant, ranked


def hits_of(ranked: np.ndarray, relevant: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(items) for items in relevant])
    rows = np.repeat(np.arange(len(relevant)), lengths)
    return metrics.hit_positions(ranked, rows, np.concatenate(relevant)), lengths


def ranx_scores(
    ranx: ModuleType, ranked: np.ndarray, relevant: list[np.ndarray], name: str, k: int
) -> np.ndarray:
    """ranx's value for every person, given the order that `top_k` made of the ties."""
    people = [f"p{row:05}" for row in range(len(ranked))]
    qrels = ranx.Qrels(
        {p: {str(i): 1 for i in items} for p, items in zip(people, relevant, strict=True)}
    )
    run = ranx.Run(
        {
            p: {str(i): float(len(row) - place) for place, i in enumerate(row)}
            for p, row in zip(people, ranked, strict=True)
        }
    )
    return np.asarray(ranx.evaluate(qrels, run, f"{RANX_NAMES[name]}@{k}", return_mean=False))


@pytest.mark.parametrize("levels", [3, 10_000], ids=["ties", "distinct"])
@pytest.mark.parametrize("k", [1, 5, 10, 50])
@pytest.mark.parametrize("name", ACCURACY)
def test_every_metric_equals_ranx(ranx: ModuleType, name: str, k: int, levels: int) -> None:
    _, relevant, ranked = random_rankings(seed=k, people=150, levels=levels)
    hits, lengths = hits_of(ranked, relevant)

    ours = ACCURACY[name](hits[:, :k], lengths)

    np.testing.assert_allclose(ours, ranx_scores(ranx, ranked, relevant, name, k), atol=1e-9)
    assert 0 < ours.mean() < 1


def test_ties_are_broken_by_item_code_whatever_k() -> None:
    scores, _, ranked = random_rankings(seed=1, people=50, levels=3)
    for k in (1, 3, 10, 59):
        short, _ = top_k(scores, k)
        np.testing.assert_array_equal(short, ranked[:, :k])
    by_hand = sorted(range(1, ITEMS + 1), key=lambda item: (-scores[0, item], item))
    np.testing.assert_array_equal(ranked[0], by_hand)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NDCG", (1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3) + 1 / 2)),
        ("Recall", 2 / 3),
        ("Precision", 2 / 4),
        ("HR", 1.0),
        ("MRR", 1 / 2),
        ("MAP", (1 / 2 + 2 / 4) / 3),
    ],
)
def test_worked_example(name: str, expected: float) -> None:
    hits = np.array([[False, True, False, True]])
    assert ACCURACY[name](hits, np.array([3]))[0] == pytest.approx(expected)


@pytest.mark.parametrize("name", ACCURACY)
def test_nothing_found_is_zero_and_all_found_is_one(name: str) -> None:
    metric = ACCURACY[name]
    assert metric(np.zeros((1, 5), bool), np.array([2])) == [0.0]
    assert metric(np.ones((1, 5), bool), np.array([5])) == [pytest.approx(1.0)]


def test_ideal_of_ndcg_is_cut_at_k() -> None:
    assert metrics.ndcg(np.ones((1, 2), bool), np.array([7])) == [pytest.approx(1.0)]


def test_padding_is_never_a_hit() -> None:
    ranked = np.array([[3, 0, 0], [0, 0, 0]], np.int32)
    hits = metrics.hit_positions(ranked, np.array([0, 1, 1]), np.array([3, 1, 2], np.int32))
    np.testing.assert_array_equal(hits, [[True, False, False], [False, False, False]])


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, 9), max_size=4, unique=True),
            st.lists(st.integers(1, 9), min_size=4, max_size=4, unique=True),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_hits_belong_to_their_own_row(rows: list[tuple[list[int], list[int]]]) -> None:
    ranked = np.array([list_ for _, list_ in rows], np.int32)
    relevant = [items for items, _ in rows]
    owners = np.repeat(np.arange(len(rows)), [len(items) for items in relevant])
    flat = np.array([item for items in relevant for item in items], np.int32)

    hits = metrics.hit_positions(ranked, owners, flat)

    expected = [[item in items for item in list_] for items, list_ in rows]
    np.testing.assert_array_equal(hits, expected)


@settings(max_examples=50)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_better_rank_is_never_worth_less(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hits = rng.random((1, k)) < 0.4
    place = int(rng.integers(0, k))
    moved = hits.copy()
    moved[0, place], moved[0, 0] = hits[0, 0], hits[0, place]
    better = moved if hits[0, place] else hits
    worse = hits if hits[0, place] else moved
    relevant = np.array([max(1, int(hits.sum()))])

    def value(metric: Callable[..., np.ndarray], found: np.ndarray) -> float:
        return float(metric(found, relevant)[0])

    for metric in ACCURACY.values():
        assert value(metric, better) >= value(metric, worse) - 1e-12
