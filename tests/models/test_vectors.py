"""Large catalogues are ranked part by part, to the same lists."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Dataset, Ragged
from foretaste.models import ALS, vectors

ITEMS, PEOPLE = 60, 40


def _fitted() -> ALS:
    rng = np.random.default_rng(0)
    events = pl.DataFrame(
        {
            "user_id": rng.integers(0, PEOPLE, 300),
            "item_id": rng.integers(0, ITEMS, 300),
            "timestamp": np.arange(300),
        }
    )
    items = pl.DataFrame({"item_id": np.arange(ITEMS + 5)})
    return ALS(factors=4, iterations=2).fit(Dataset.from_tables(events, items))


MODEL = _fitted()
codes = st.integers(1, ITEMS + 5)


@given(
    histories=st.lists(st.lists(codes, max_size=8), max_size=9),
    k=st.integers(1, ITEMS + 10),
    candidates=st.none() | st.lists(codes, min_size=1, unique=True),
    exclude_seen=st.booleans(),
    part=st.integers(1, ITEMS),
)
def test_parts_of_the_catalogue_give_the_lists_of_the_whole(
    histories: list[list[int]],
    k: int,
    candidates: list[int] | None,
    exclude_seen: bool,
    part: int,
) -> None:
    rows = Ragged.from_rows(histories)
    among = None if candidates is None else np.array(candidates, np.int32)
    whole = MODEL.rank(rows, k, exclude_seen=exclude_seen, candidates=among)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "_ITEMS", part)
        patch.setattr(vectors, "_PEOPLE", 3)
        parts = MODEL.rank(rows, k, exclude_seen=exclude_seen, candidates=among)
    np.testing.assert_array_equal(parts.items, whole.items)
    np.testing.assert_allclose(parts.scores, whole.scores, rtol=1e-5, atol=1e-6)
