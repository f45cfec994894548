"""`Ragged` against plain Python lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Ragged

Rows = list[list[int]]
rows_of_ints = st.lists(st.lists(st.integers(1, 1000), max_size=6), max_size=8)


def as_lists(ragged: Ragged) -> Rows:
    return [ragged[row].tolist() for row in range(len(ragged))]


@given(rows_of_ints)
def test_rows_come_back(rows: Rows) -> None:
    ragged = Ragged.from_rows(rows)
    assert as_lists(ragged) == rows
    assert len(ragged) == len(rows)
    assert ragged.lengths.tolist() == [len(row) for row in rows]
    assert ragged.row_of_value.tolist() == [i for i, row in enumerate(rows) for _ in row]
    assert ragged.values.dtype == np.int32
    assert ragged.offsets.dtype == np.int64


@given(rows_of_ints)
def test_groups_and_lengths_build_the_same(rows: Rows) -> None:
    ragged = Ragged.from_rows(rows)
    groups = ragged.row_of_value.astype(np.int32)
    assert as_lists(Ragged.from_groups(ragged.values, groups, len(rows))) == rows
    assert as_lists(Ragged.from_lengths(ragged.values, ragged.lengths)) == rows


@given(rows_of_ints.filter(bool), st.data())
def test_take_repeats_and_reorders_rows(rows: Rows, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=10))
    taken = Ragged.from_rows(rows).take(np.array(chosen, np.int64))
    assert as_lists(taken) == [rows[i] for i in chosen]


@given(rows_of_ints, st.integers(0, 7))
def test_last_keeps_the_end_of_every_row(rows: Rows, n: int) -> None:
    expected = [row[len(row) - min(n, len(row)) :] for row in rows]
    assert as_lists(Ragged.from_rows(rows).last(n)) == expected


@given(rows_of_ints, st.integers(0, 7))
def test_padded_holds_the_last_values_then_zeros(rows: Rows, width: int) -> None:
    table = Ragged.from_rows(rows).padded(width)
    assert table.shape == (len(rows), width)
    assert table.dtype == np.int32
    for line, row in zip(table.tolist(), rows, strict=True):
        kept = row[len(row) - min(width, len(row)) :]
        assert line == kept + [0] * (width - len(kept))


@given(rows_of_ints)
def test_padded_is_as_wide_as_the_longest_row(rows: Rows) -> None:
    assert Ragged.from_rows(rows).padded().shape[1] == max(map(len, rows), default=0)


@pytest.mark.parametrize("row", [-1, 2])
def test_no_row_outside(row: int) -> None:
    with pytest.raises(IndexError, match=f"row {row} of 2"):
        Ragged.from_rows([[1], [2]])[row]


def test_lengths_must_add_up() -> None:
    with pytest.raises(ValueError, match="add up to 4, not to 3"):
        Ragged.from_lengths(np.array([1, 2, 3], np.int32), np.array([2, 2]))
