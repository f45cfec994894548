from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from foretaste.errors import DataError
from foretaste.evaluation.catalogue_map import _groups, _in_two_dimensions, map_catalogue
from tests.content.words import WordCounts

ITEMS = pl.DataFrame(
    {
        "item_id": list(range(60)),
        "title": [("garden " * (1 + i % 5), "desk lamp")[i % 2] for i in range(60)],
        "categories": [["Home", ("Outdoor", "Office")[i % 2]] if i else None for i in range(60)],
    }
)


def test_two_encoders_give_two_panels_in_one_picture(tmp_path: Path):
    encoders = {"before": WordCounts(), "after": WordCounts()}
    path = map_catalogue(encoders, ITEMS, tmp_path / "map.png", colour="categories")
    width, height = Image.open(path).size
    assert width > 1.5 * height
    colours = Image.open(path).convert("RGB").getcolors(10**6)
    assert colours is not None
    assert len(colours) > 20


def test_what_is_alike_lies_together_and_the_seed_decides():
    rng = np.random.default_rng(0)
    kind = np.arange(80) % 2
    vectors = (np.eye(2)[kind] * 5 + rng.normal(size=(80, 2)) * 0.1).astype(np.float32)
    places = _in_two_dimensions(vectors, 0)
    distance = np.linalg.norm(places[:, None] - places, axis=2) + np.eye(80) * 1e9
    assert (kind[distance.argmin(1)] == kind).all()
    np.testing.assert_array_equal(places, _in_two_dimensions(vectors, 0))


def test_the_last_category_is_the_colour_and_rare_ones_have_none():
    values = [["a", f"rare {i}"] for i in range(12)] + [["a", "often"]] * 3 + [None]
    groups = _groups(pl.DataFrame({"c": values}), "c")
    assert groups.n_unique() == 11
    assert groups[-2] == "often"
    assert groups[-1] is None


def test_nothing_to_draw(tmp_path: Path):
    with pytest.raises(DataError, match="only 5 items"):
        map_catalogue({"a": WordCounts()}, ITEMS.head(5), tmp_path / "map.png")
    with pytest.raises(DataError, match="no such column"):
        map_catalogue({"a": WordCounts()}, ITEMS, tmp_path / "map.png", colour="brand")
    assert not list(tmp_path.iterdir())
