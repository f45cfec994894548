"""Batched greedy lists against loops that follow the papers, one person and one item at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.errors import ConfigError
from foretaste.evaluation import beyond_accuracy
from foretaste.ranking import Catalogue, Request
from foretaste.ranking.candidates import CandidateLists
from foretaste.ranking.catalogue import unit_rows
from foretaste.ranking.diversity import Diversity, DiversityConfig, stage
from foretaste.ranking.diversity.terms import CategoryCap
from tests.ranking.worlds import CATALOGUE, DATA, ITEMS, MODEL, ranker

NAMES = ("mmr", "dpp", "xquad", "calibration", "category_cap", "popularity")
CATEGORIES = CATALOGUE.categories("categories", "").toarray()
VECTORS = CATALOGUE.vectors
assert VECTORS is not None

seeds = st.integers(0, 10_000)

#: What an item adds to those chosen.
Gain = Callable[[list[int], int], float]


def lists_of(seed: int, people: int = 4) -> tuple[CandidateLists, Ragged]:
    """Random lists of different lengths with falling scores, some of them equal."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(ITEMS)[: rng.integers(0, 15)] + 1 for _ in range(people)]
    items = Ragged.from_rows(rows)
    scores = np.concatenate([np.empty(0), *(-np.sort(-rng.integers(0, 9, len(r))) for r in rows)])
    total = len(items.values)
    lists = CandidateLists(
        items, scores.astype(np.float32), ("s",), np.ones((total, 1), np.float32), np.ones(total)
    )
    histories = Ragged.from_rows(rng.integers(1, ITEMS + 1, rng.integers(0, 6)) for _ in rows)
    return lists, histories


def reordered(
    config: DiversityConfig, lists: CandidateLists, histories: Ragged, k: int
) -> list[list[int]]:
    found = Diversity.of(config, CATALOGUE)(lists, Request.of(histories, k))
    assert not len(found.dropped.items)
    return [found.lists.items[row].tolist() for row in range(len(lists))]


def relevance_of(items: list[int], scores: np.ndarray) -> dict[int, float]:
    span = max(float(scores.max() - scores.min()), 1e-9)
    return {n: float(s - scores.min()) / span for n, s in zip(items, scores, strict=True)}


def check_greedy(
    found: list[int], lists: CandidateLists, row: int, k: int, gain: Gain, s: float
) -> None:
    """By the definition: each next item has the largest mix of relevance and gain of those left.

    Gains that rounding can't tell apart may come in any order.
    """
    items = lists.items[row].tolist()
    assert sorted(found) == sorted(items)
    if not items:
        return
    scores = lists.scores[lists.items.offsets[row] : lists.items.offsets[row + 1]]
    relevance = relevance_of(items, scores)
    for place in range(min(k, len(items))):
        chosen = found[:place]
        total = {
            item: (1 - s) * relevance[item] + s * gain(chosen, item)
            for item in items
            if item not in chosen
        }
        assert total[found[place]] >= max(total.values()) - 1e-4
    assert found[k:] == [item for item in items if item not in found[:k]]


def mmr(chosen: list[int], item: int) -> float:
    return -max((float(VECTORS[item] @ VECTORS[other]) for other in chosen), default=0.0)


def volume(items: list[int]) -> float:
    """Log-determinant of the Gram matrix, computed afresh; as far down as rounding goes."""
    gram = VECTORS[items].astype(np.float64) @ VECTORS[items].T.astype(np.float64)
    return float(np.linalg.slogdet(gram)[1]) if items else 0.0


def dpp(chosen: list[int], item: int) -> float:
    # Six dimensions span no more than six items: beyond, nothing new is left.
    if len(chosen) >= VECTORS.shape[1]:
        return -1.0
    return max((volume([*chosen, item]) - volume(chosen)) / float(-np.log(1e-6)), -1.0)


def mix_of(history: list[int]) -> np.ndarray:
    shares = CATEGORIES / np.maximum(CATEGORIES.sum(axis=1, keepdims=True), 1)
    return shares[history].mean(axis=0) if history else np.zeros(CATEGORIES.shape[1])


def divergence(history: list[int]) -> Gain:
    p = mix_of(history)

    def gain(chosen: list[int], item: int) -> float:
        q = 0.99 * mix_of([*chosen, item]) + 0.01 * p
        return -sum(p[c] * np.log(p[c] / q[c]) for c in np.flatnonzero(p))

    return gain


@given(seeds, st.integers(1, 8), st.sampled_from([0.2, 0.5, 1.0]))
@example(seed=9872, k=7, s=0.5)  # Hardly anything is new after six items.
def test_mmr_and_dpp_by_content(seed: int, k: int, s: float) -> None:
    lists, histories = lists_of(seed)
    for name, gain in (("mmr", mmr), ("dpp", dpp)):
        config = DiversityConfig.parse({name: s, "likeness": "content"})
        for row, found in enumerate(reordered(config, lists, histories, k)):
            check_greedy(found, lists, row, k, gain, s)


@given(seeds, st.integers(1, 8), st.sampled_from([0.2, 0.5, 0.9]))
def test_calibration_and_coverage(seed: int, k: int, s: float) -> None:
    lists, histories = lists_of(seed)
    calibrated = reordered(DiversityConfig(calibration=s), lists, histories, k)
    covering = reordered(DiversityConfig(xquad=s), lists, histories, k)
    for row in range(len(lists)):
        history = histories[row].tolist()
        check_greedy(calibrated[row], lists, row, k, divergence(history), s)
        check_greedy(covering[row], lists, row, k, coverage(history, lists, row), s)


def coverage(history: list[int], lists: CandidateLists, row: int) -> Gain:
    wanted = mix_of(history)
    if not wanted.any():
        wanted = np.full(len(wanted), 1 / len(wanted))
    items = lists.items[row].tolist()
    scores = lists.scores[lists.items.offsets[row] : lists.items.offsets[row + 1]]
    relevance = relevance_of(items, scores) if items else {}

    def gain(chosen: list[int], item: int) -> float:
        left = wanted.copy()
        for other in chosen:
            left *= 1 - relevance[other] * CATEGORIES[other]
        return float((left * relevance[item] * CATEGORIES[item]).sum())

    return gain


@given(seeds, st.integers(1, 10), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_category_caps(seed: int, k: int, s: float) -> None:
    lists, histories = lists_of(seed)
    config = DiversityConfig(category_cap=s)
    cap = max(1, round(k * (1 - s)))
    tells = CATEGORIES.sum(axis=0) <= ITEMS / 2

    def gain(chosen: list[int], item: int) -> float:
        full = tells & (CATEGORIES[chosen].sum(axis=0) >= cap)
        return -1e6 * bool((CATEGORIES[item] * full).any())

    for row, found in enumerate(reordered(config, lists, histories, k)):
        check_greedy(found, lists, row, k, gain, s)


def test_what_most_of_the_catalogue_has_is_not_capped() -> None:
    # A row for padding, then four items: all have the first category, two the second.
    member = sp.csr_array([[0, 0], [1, 1], [1, 1], [1, 0], [1, 0]], dtype=np.float32)
    np.testing.assert_array_equal(
        CategoryCap.of(member).categories.toarray(), member[:, [1]].toarray()
    )


@given(seeds)
def test_popularity_alone_puts_what_nobody_knows_first(seed: int) -> None:
    lists, histories = lists_of(seed)
    for row in reordered(DiversityConfig(popularity=1), lists, histories, 20):
        counts = DATA.item_counts[row]
        assert (np.diff(counts) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("likeness", ["categories", "content"])
@given(seed=seeds)
def test_a_slider_at_zero_leaves_the_ranking_untouched(name: str, likeness: str, seed: int) -> None:
    lists, histories = lists_of(seed)
    at_half = DiversityConfig.parse({name: 0.5, "likeness": likeness})
    made = Diversity.of(at_half, CATALOGUE)
    [(term, _)] = made.terms
    # The term is there and asked, with strength 0.
    untouched = Diversity([(term, 0.0)], made.shares, made.pool, made.width)
    found = untouched(lists, Request.of(histories, 9)).lists
    np.testing.assert_array_equal(found.items.values, lists.items.values)
    np.testing.assert_array_equal(found.scores, lists.scores)
    assert not DiversityConfig.parse({name: 0}).sliders


def test_more_of_the_slider_is_more_diverse() -> None:
    found: dict[str, list[float]] = {"mmr": [], "dpp": []}
    for name, values in found.items():
        for s in (0.0, 0.3, 1.0):
            answers = ranker(diversity={name: s, "likeness": "content"}).pipeline
            lists, _ = answers.rank(Request.of(DATA.histories(), 6))
            shown = lists.items.padded()
            diverse = beyond_accuracy.diversity(shown, VECTORS).mean()
            values.append(
                diverse if name == "mmr" else np.mean([volume(r) for r in shown.tolist()])
            )
    for values in found.values():
        assert values[0] < values[1] < values[2]


def test_every_page_has_its_own_caps() -> None:
    answers = ranker(diversity={"category_cap": 1, "column": "brand"}, paging={"depth": 4})
    found = answers.recommend(users=["nobody"], k=2)
    brands = dict(DATA.items.select("item_id", "brand").iter_rows())
    for number in (1, 2):
        page = answers.page(found.recommendation_ids[0], number, 2)["item_id"].to_list()
        shown = [brands[item] for item in page if brands[item] is not None]
        assert len(shown) == len(set(shown))


def test_several_sliders_work_together() -> None:
    lists, histories = lists_of(3)
    together = DiversityConfig(mmr=0.3, popularity=0.2, category_cap=0.5, calibration=0.2)
    found = reordered(together, lists, histories, 5)
    assert [sorted(row) for row in found] == [
        sorted(lists.items[row].tolist()) for row in range(len(lists))
    ]


def test_blocks_of_people_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lists, histories = lists_of(5, people=40)
    config = DiversityConfig(mmr=0.4, dpp=0.2, xquad=0.2, calibration=0.1)
    whole = reordered(config, lists, histories, 6)
    monkeypatch.setattr(stage, "_BLOCK_BYTES", 1)
    assert reordered(config, lists, histories, 6) == whole


def test_only_the_pool_is_reordered() -> None:
    lists, histories = lists_of(8)
    found = reordered(DiversityConfig(mmr=1, pool=3), lists, histories, 9)
    for row, new in enumerate(found):
        assert new[3:] == lists.items[row].tolist()[3:]


def test_what_is_missing_is_said() -> None:
    wordless = Catalogue.of(MODEL, DATA.items.drop("categories"))
    for settings in ({"mmr": 0.5}, {"calibration": 0.5}, {"mmr": 0.5, "likeness": "content"}):
        with pytest.raises(ConfigError) as raised:
            Diversity.of(DiversityConfig.parse(settings), wordless)
        assert raised.value.field.startswith("ranking.diversity")
    with pytest.raises(ConfigError):
        Diversity.of(DiversityConfig(mmr=0.5, column="price"), CATALOGUE)
    by_brand = Diversity.of(DiversityConfig(category_cap=0.5, column="brand"), CATALOGUE)
    assert by_brand.shares.shape[1] == 2


def test_unit_rows_of_dense_and_sparse_matrices_agree() -> None:
    dense = np.array([[0, 0], [3, 4], [-1, 0]], np.float32)
    expected = [[0, 0], [0.6, 0.8], [-1, 0]]
    np.testing.assert_allclose(unit_rows(dense), expected, rtol=1e-6)
    np.testing.assert_allclose(unit_rows(sp.csr_array(dense)).toarray(), expected, rtol=1e-6)
