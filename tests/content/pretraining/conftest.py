from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.data import Dataset
from tests.contracts.worlds import dataset


@pytest.fixture(scope="session")
def shop() -> Dataset:
    """People who like red things and people who like blue ones, whatever their kind."""
    rng = np.random.default_rng(0)
    colours, kinds = ("red", "blue"), ("chair", "lamp", "desk", "polish", "nail")
    ids = [(colour, kind, n) for colour in colours for kind in kinds for n in range(4)]
    items = pl.DataFrame(
        {
            "item_id": ["-".join(map(str, one)) for one in ids],
            "title": [f"the {kind} {'a' * n}, {colour}" for colour, kind, n in ids],
            "categories": [["garden", kind] for _, kind, _ in ids],
        }
    )
    of_colour = [items["item_id"].to_list()[:20], items["item_id"].to_list()[20:]]
    return dataset(
        ((f"p{n}", rng.permutation(of_colour[n % 2])[:6].tolist()) for n in range(40)), items
    )
