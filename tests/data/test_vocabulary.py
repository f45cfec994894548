"""Ids keep their meaning on the way to codes and back."""

from __future__ import annotations

from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import PADDING, Vocabulary
from foretaste.errors import DataError

integers = st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=20, unique=True)
strings = st.lists(st.text(max_size=6), min_size=1, max_size=20, unique=True)


def series(ids: list[int] | list[str]) -> pl.Series:
    return pl.Series("id", ids)


@given(st.one_of(integers, strings))
def test_ids_come_back_from_their_codes(ids: list[int] | list[str]) -> None:
    vocabulary = Vocabulary.of(series(ids))
    codes = vocabulary.encode(ids)
    assert codes.dtype == np.int32
    assert sorted(codes) == list(range(1, len(ids) + 1))
    assert vocabulary.decode(codes).to_list() == ids
    assert (len(vocabulary), vocabulary.size) == (len(ids), len(ids) + 1)


@given(st.one_of(integers, strings), st.randoms())
def test_codes_depend_on_the_set_of_ids_alone(ids: list[int] | list[str], random: object) -> None:
    shuffled = sorted([*ids, *ids[:3]], key=lambda _: random.random())  # type: ignore[attr-defined]
    first, second = Vocabulary.of(series(ids)), Vocabulary.of(series(shuffled))
    assert first == second
    assert hash(first) == hash(second)
    assert first.encode(ids).tolist() == second.encode(ids).tolist()


@given(strings, strings)
def test_unknown_ids_are_padding(known: list[str], asked: list[str]) -> None:
    codes = Vocabulary.of(series(known)).encode(asked)
    assert [code != PADDING for code in codes] == [id_ in known for id_ in asked]


def test_null_and_nothing_are_asked_for_without_harm() -> None:
    for vocabulary in (Vocabulary.of(series([1, 2])), Vocabulary.of(series(["a", "b"]))):
        assert vocabulary.encode([]).tolist() == []
        asked = pl.Series([None, None], dtype=vocabulary.ids.dtype)
        assert vocabulary.encode(asked).tolist() == [PADDING, PADDING]


@pytest.mark.parametrize("written", ["042", "42.0", " 42", "+42", "4_2", "", "x", "٤٢"])
def test_integers_are_found_only_when_written_plainly(written: str) -> None:
    vocabulary = Vocabulary.of(series([7, 42]))
    assert vocabulary.encode([written]).tolist() == [PADDING]
    assert vocabulary.encode(["42"]).tolist() == vocabulary.encode([42]).tolist() == [2]


def test_leading_zeros_make_other_ids() -> None:
    vocabulary = Vocabulary.of(series(["042", "42"]))
    assert vocabulary.encode(["042", "42", "0042"]).tolist() == [1, 2, PADDING]
    assert vocabulary.encode([42]).tolist() == [2]


def test_mixed_ids_are_looked_up_as_written() -> None:
    assert Vocabulary.of(series(["1", "a"])).encode([1, "a", "b"]).tolist() == [1, 2, PADDING]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.String])
def test_a_few_ids_are_looked_up_as_many_are(dtype: type[pl.DataType]) -> None:
    known = pl.Series("id", range(0, 2000, 2)).cast(dtype)
    vocabulary = Vocabulary(known.sample(fraction=1, shuffle=True, seed=0))
    asked = pl.Series("id", [*range(-1, 2001), None]).cast(dtype)
    many = vocabulary.encode(asked)
    few = [vocabulary.encode(asked[n : n + 2]) for n in range(0, len(asked), 2)]
    np.testing.assert_array_equal(np.concatenate(few), many)
    written = vocabulary.encode(["4", "5", "x"])
    assert written.tolist() == [*vocabulary.encode(pl.Series(["4"])), PADDING, PADDING]


@given(st.lists(st.text(max_size=3), min_size=25, max_size=60, unique=True), st.text(max_size=3))
def test_one_id_of_any_letters_is_found(ids: list[str], other: str) -> None:
    vocabulary = Vocabulary(series(ids))
    assert [vocabulary.encode([one]).item() for one in ids] == list(range(1, len(ids) + 1))
    assert (vocabulary.encode([other]).item() != PADDING) == (other in ids)


@given(strings, strings)
def test_extended_keeps_codes_and_adds_the_new(known: list[str], more: list[str]) -> None:
    before = Vocabulary.of(series(known))
    after = before.extended(series(more))
    assert after.encode(known).tolist() == before.encode(known).tolist()
    assert set(after.ids) == {*known, *more}
    assert after.decode(after.encode(more)).to_list() == more


def test_extended_refuses_ids_of_another_type() -> None:
    with pytest.raises(DataError, match="not of the type"):
        Vocabulary.of(series([1, 2])).extended(series(["3", "x"]))
    assert Vocabulary.of(series([1, 2])).extended(series(["3"])).ids.to_list() == [1, 2, 3]


def test_fingerprint_tells_integers_from_strings_and_order() -> None:
    vocabularies = [
        Vocabulary(series(ids)) for ids in ([1, 2], ["1", "2"], ["2", "1"], ["1\n2"], ["1,2"])
    ]
    assert len({vocabulary.fingerprint for vocabulary in vocabularies}) == len(vocabularies)
    assert vocabularies[0] != "something else"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (pl.Series("id", ["a", "a"]), "'a' is listed more than once"),
        (pl.Series("id", ["a", None]), "null"),
        (pl.Series("id", [None, None]), "null"),
        (pl.Series("id", [1.5]), "strings or integers, not Float64"),
    ],
)
def test_wrong_ids_are_refused(ids: pl.Series, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Vocabulary(ids)
    assert caught.value.field == "id"


def test_small_integer_types_and_padding_of_no_ids() -> None:
    assert Vocabulary.of(pl.Series("id", [3, 1], dtype=pl.UInt8)).encode([1, 3]).tolist() == [1, 2]
    empty = Vocabulary.of(pl.Series("id", [], dtype=pl.String))
    assert empty.size == 1
    assert empty.encode(["a"]).tolist() == [PADDING]


@given(st.lists(st.integers(-20, 220), max_size=9), st.booleans(), st.randoms())
def test_a_few_ids_are_found_as_many_are(wanted: list[int], texts: bool, random: Random) -> None:
    known = random.sample(range(200), 200)
    ids = [f"i{n}" for n in known] if texts else known
    asked = [f"i{n}" for n in wanted] if texts else wanted
    vocabulary = Vocabulary(series(ids))
    expected = [ids.index(one) + 1 if one in ids else PADDING for one in asked]
    assert vocabulary.encode(asked).tolist() == expected
    assert vocabulary.encode([*asked, *ids]).tolist()[: len(asked)] == expected
    assert vocabulary.encode(["no such id"]).tolist() == [PADDING]
