"""The categories of items as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp


def category_vectors(categories: pl.Series) -> Any:
    """A sparse 0-1 row for every item, one column a category; row 0 is padding.

    Args:
        categories: Strings or lists of strings, in the order of item codes.

    Returns:
        A `scipy.sparse.csr_array`, float32[items + 1, categories].
    """
    pairs = pl.DataFrame({"item": np.arange(1, len(categories) + 1), "category": categories})
    if isinstance(categories.dtype, pl.List):
        pairs = pairs.explode("category")
    pairs = pairs.drop_nulls().unique()
    columns = pairs["category"].rank("dense").to_numpy().astype(np.int64) - 1
    shape = (len(categories) + 1, int(columns.max(initial=-1)) + 1)
    ones = np.ones(len(pairs), np.float32)
    return sp.csr_array((ones, (pairs["item"].to_numpy(), columns)), shape)
