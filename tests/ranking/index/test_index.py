from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.errors import ArtifactError, ConfigError, InputError, UnknownIdError
from foretaste.ranking.index import (
    IndexConfig,
    VectorIndex,
    build_index,
    fingerprint_of,
    load_index,
    save_index,
)

KINDS = ["exact", "ivf"]
N, D = 600, 16


def clustered(n: int = N, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, D))
    return (centres[rng.integers(0, 20, n)] + 0.4 * rng.normal(size=(n, D))).astype(np.float32)


VECTORS = clustered()
CODES = np.random.default_rng(1).permutation(2 * N)[:N].astype(np.int32) + 1
QUERIES = clustered(25, seed=2)


def built(kind: str, **settings: object) -> VectorIndex:
    return build_index(CODES, VECTORS, IndexConfig(kind=kind, recall=1.0, **settings))


def truth(codes: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
    return codes[np.argsort(-(QUERIES @ vectors.T), axis=1)[:, :k]]


def recall(found: np.ndarray, true: np.ndarray) -> float:
    return np.mean([np.isin(t, f).mean() for f, t in zip(found, true, strict=True)])


@pytest.mark.parametrize("kind", KINDS)
@given(
    excluded=st.lists(st.lists(st.sampled_from(CODES.tolist()), max_size=40), min_size=1),
    allowed=st.none() | st.lists(st.sampled_from(CODES.tolist()), max_size=50, unique=True),
    k=st.integers(1, 30),
)
def test_what_is_excluded_for_a_query_is_not_in_its_answer(
    kind: str, excluded: list[list[int]], allowed: list[int] | None, k: int
) -> None:
    index = INDEXES[kind]
    queries = np.resize(QUERIES, (len(excluded), D))
    candidates = CODES if allowed is None else np.array(allowed, np.int32)
    among = None if allowed is None else index.mask_of(candidates)
    found = index.search(queries, k, allowed=among, exclude=Ragged.from_rows(excluded))
    assert found.items.shape == (len(excluded), min(k, len(candidates)))
    products = dict(zip(CODES.tolist(), VECTORS, strict=True))
    for query, out, items, scores in zip(queries, excluded, found.items, found.scores, strict=True):
        left = sorted(float(products[c] @ query) for c in set(candidates) - set(out))[::-1][:k]
        np.testing.assert_allclose(scores[: len(left)], left, rtol=1e-2, atol=1e-2)
        assert not set(items.tolist()) & set(out)
        assert (items[len(left) :] == 0).all()
        assert np.isneginf(scores[len(left) :]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_the_largest_inner_products(kind: str) -> None:
    index = built(kind, precision="float32")
    assert (index.kind, len(index), index.dimension) == (kind, N, D)
    found = index.search(QUERIES, 7)
    expected = truth(CODES, VECTORS, 7)
    assert recall(found.items, expected) > 0.99
    scores = np.sort(QUERIES @ VECTORS.T, axis=1)[:, ::-1][:, :7]
    np.testing.assert_allclose(found.scores, scores, rtol=1e-3, atol=1e-3)
    assert found.items.dtype == np.int32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("precision", "least"), [("float16", 0.99), ("int8", 0.9)])
def test_fewer_bits_cost_little_recall_and_save_memory(
    kind: str, precision: str, least: float
) -> None:
    index = built(kind, precision=precision)
    assert recall(index.search(QUERIES, 20).items, truth(CODES, VECTORS, 20)) > least
    assert index.memory_bytes < built(kind, precision="float32").memory_bytes


@pytest.mark.parametrize("kind", KINDS)
def test_size_chooses_the_kind(kind: str) -> None:
    limit = N if kind == "exact" else N - 1
    assert build_index(CODES, VECTORS, IndexConfig(exact_up_to=limit)).kind == kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_adding_and_deleting_is_like_building_anew(kind: str, precision: str) -> None:
    index = build_index(CODES[:400], VECTORS[:400], IndexConfig(kind=kind, precision=precision))
    index.add(CODES[400:], VECTORS[400:])
    index.delete(CODES[:200])
    left = np.arange(200, N)
    assert index.codes.tolist() == np.sort(CODES[left]).tolist()
    found = index.search(QUERIES, 300)
    assert not np.isin(found.items, CODES[:200]).any()
    assert recall(found.items, truth(CODES[left], VECTORS[left], 300)) > 0.97
    index.add(CODES[:1], VECTORS[:1])
    assert len(index) == 401


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000), size=st.integers(0, N))
def test_a_filtered_search_is_full_and_right(kind: str, seed: int, size: int) -> None:
    chosen = np.random.default_rng(seed).permutation(N)[:size]
    index = INDEXES[kind]
    found = index.search(QUERIES, 10, allowed=index.mask_of(CODES[chosen]))
    assert found.items.shape == (len(QUERIES), min(10, size))
    assert np.isin(found.items, CODES[chosen]).all()
    assert all(len(set(row)) == len(row) for row in found.items.tolist())
    if size:
        assert recall(found.items, truth(CODES[chosen], VECTORS[chosen], 10)) > 0.98


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_filter_far_from_the_query_is_full(kind: str) -> None:
    """The ten that lie opposite to the query: no list near it holds one."""
    worst = np.argsort(QUERIES[0] @ VECTORS.T)[:10]
    index = INDEXES[kind]
    found = index.search(QUERIES[:1], 10, allowed=index.mask_of(CODES[worst]))
    assert set(found.items[0].tolist()) == set(CODES[worst].tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_k_is_clipped_and_checked(kind: str) -> None:
    index = INDEXES[kind]
    found = index.search(QUERIES, 10**12).items
    assert [set(row) for row in found.tolist()] == [set(CODES.tolist())] * len(QUERIES)
    for k in (0, -3):
        with pytest.raises(InputError, match="at least 1"):
            index.search(QUERIES, k)
    assert index.search(QUERIES[:0], 3).items.shape == (0, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_bad_vectors_are_refused(kind: str) -> None:
    index = built(kind)
    broken = QUERIES.copy()
    broken[3, 2] = np.nan
    with pytest.raises(InputError, match=r"row 4.*not finite"):
        index.search(broken, 3)
    for vectors, words in [
        (broken, "not finite"),
        (QUERIES[:, 1:], r"\(any number, 16\)"),
        (QUERIES * 1e6, "too large for float16"),
    ]:
        with pytest.raises(InputError, match=words):
            index.add(np.arange(len(vectors)) + 5000, vectors)
    for codes, words in [
        ([3], "1 codes for 2"),
        ([0, 2000], "above 0"),
        ([2000, 2000], "twice"),
        ([CODES[0], 2000], f"already holds a vector {CODES[0]}"),
    ]:
        with pytest.raises(InputError, match=words):
            index.add(np.array(codes), VECTORS[:2])
    with pytest.raises(UnknownIdError, match="9999"):
        index.delete(np.array([CODES[0], 9999]))
    assert len(index) == N
    with pytest.raises(InputError, match="no vectors"):
        build_index(CODES[:0], VECTORS[:0], IndexConfig(kind=kind))


def test_settings_out_of_range() -> None:
    with pytest.raises(ConfigError, match="precision"):
        IndexConfig.parse({"precision": "int4"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_a_saved_index_answers_alike(kind: str, precision: str, tmp_path: Path) -> None:
    index = built(kind, precision=precision)
    index.delete(CODES[:5])
    path = save_index(index, tmp_path / "index")
    again = load_index(path, fingerprint=fingerprint_of(CODES, VECTORS))
    assert (again.kind, again.config) == (kind, index.config)
    for mine, other in zip(
        vars(index.search(QUERIES, 9)).values(),
        vars(again.search(QUERIES, 9)).values(),
        strict=True,
    ):
        assert np.array_equal(mine, other)
    again.add(CODES[:5], VECTORS[:5])
    assert len(again) == N
    with pytest.raises(ArtifactError, match="already"):
        save_index(index, path)


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_of_other_vectors_or_damaged_is_refused(kind: str, tmp_path: Path) -> None:
    path = save_index(built(kind), tmp_path / "index")
    with pytest.raises(InputError, match="other vectors"):
        load_index(path, fingerprint=fingerprint_of(CODES, VECTORS + 1))
    with pytest.raises(ArtifactError, match="no index"):
        load_index(tmp_path)
    head = json.loads((path / "index.json").read_text())
    file = path / max(head["sha256"])
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArtifactError, match="not as it was written"):
        load_index(path)
    file.unlink()
    with pytest.raises(ArtifactError, match="can't be read"):
        load_index(path)
    (path / "index.json").write_text(json.dumps(head | {"format": 99}))
    with pytest.raises(ArtifactError, match="format"):
        load_index(path)
    (path / "index.json").write_text("{")
    with pytest.raises(ArtifactError, match="JSON"):
        load_index(path)


INDEXES = {kind: built(kind) for kind in KINDS}
