from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from foretaste.content import _cache
from foretaste.content._cache import VectorCache, default_folder, text_keys

_DIMENSION = 3


def vectors_of(numbers: list[int]) -> np.ndarray:
    return np.repeat(np.array(numbers, np.float32)[:, None], _DIMENSION, axis=1)


def keys_of(numbers: list[int]) -> np.ndarray:
    return text_keys(str(number) for number in numbers)


def look_up(cache: VectorCache, numbers: list[int]) -> dict[int, float]:
    rows, vectors = cache.read(keys_of(numbers))
    return {numbers[row]: float(vector[0]) for row, vector in zip(rows, vectors, strict=True)}


def test_keys_differ_and_stay():
    assert text_keys(["a", "b", "a"]).shape == (3, 2)
    assert (text_keys(["a"]) == text_keys(["a"])).all()
    assert (text_keys(["a"]) != text_keys(["b"])).any()
    # What is on disk must be found by later versions.
    assert text_keys(["red nail polish"]).tolist() == [[8600178646549668626, 763567351704451057]]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 50), unique=True, min_size=1), max_size=5),
    st.lists(st.integers(0, 60), unique=True),
)
def test_what_was_written_is_read_and_nothing_else(writes: list[list[int]], asked: list[int]):
    with tempfile.TemporaryDirectory() as folder:
        cache = VectorCache(Path(folder) / "made")
        for numbers in writes:
            cache.write(keys_of(numbers), vectors_of(numbers))
        written = {number for numbers in writes for number in numbers}
        assert look_up(cache, asked) == {n: float(n) for n in asked if n in written}


def test_the_same_work_gives_the_same_file(tmp_path: Path):
    for _ in range(2):
        VectorCache(tmp_path).write(keys_of([1, 2]), vectors_of([1, 2]))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["cut", "altered", "emptied", "foreign"])
def test_a_damaged_shard_is_passed_over_with_a_line_in_the_log(tmp_path: Path, damage: str):
    cache = VectorCache(tmp_path)
    cache.write(keys_of([1]), vectors_of([1]))
    (shard,) = tmp_path.iterdir()
    cache.write(keys_of([2]), vectors_of([2]))
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(
        {"cut": content[:-5], "altered": content, "emptied": b"", "foreign": b"hello"}[damage]
    )
    with capture_logs() as lines:
        assert look_up(cache, [1, 2]) == {2: 2.0}
    assert [line["file"] for line in lines] == [str(shard)]


def test_many_small_shards_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_cache, "_MANY_SMALL", 3)
    cache = VectorCache(tmp_path)
    for number in range(4):
        cache.write(keys_of([number]), vectors_of([number]))
    assert len(list(tmp_path.iterdir())) == 1
    assert look_up(cache, list(range(6))) == {n: float(n) for n in range(4)}


def test_a_folder_that_cannot_be_written_does_not_stop_the_work(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file" / "folder")
    with capture_logs() as lines:
        cache.write(keys_of([1]), vectors_of([1]))
    assert lines[0]["event"] == "vectors could not be cached"
    assert look_up(cache, [1]) == {}


def test_without_a_folder_nothing_is_kept():
    cache = VectorCache(None)
    cache.write(keys_of([1]), vectors_of([1]))
    assert look_up(cache, [1]) == {}


def test_where_vectors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FORETASTE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "foretaste" / "vectors"
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine" / "vectors"
