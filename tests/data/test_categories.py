from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.data.categories import category_vectors


@pytest.mark.parametrize(
    "categories",
    [
        pl.Series([["a", "b"], ["b"], ["c", "b", "b"], None, [], [None, "a"]]),
        pl.Series(["a", "b", "a", None, "c", "c"]),
    ],
    ids=["lists", "strings"],
)
def test_category_vectors(categories: pl.Series) -> None:
    vectors = category_vectors(categories).toarray()
    names = sorted({"a", "b", "c"})
    expected = np.zeros((7, 3))
    for item, value in enumerate(categories.to_list(), start=1):
        for name in [value] if isinstance(value, str) else value or []:
            if name is not None:
                expected[item, names.index(name)] = 1
    np.testing.assert_array_equal(vectors, expected)
