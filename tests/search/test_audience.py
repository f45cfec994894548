from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from foretaste.errors import DataError, InputError, UnknownIdError
from foretaste.models import ItemKNN
from foretaste.search import AudienceConfig, SearchEngine, find_audience, items_like
from tests.contracts.worlds import PEOPLE, two_tastes

WORLD = two_tastes()
MODEL = ItemKNN(shrinkage=1.0).fit(WORLD)
SMALL = AudienceConfig(smallest=1)
NOW, DAY = 1_000 * 86_400_000, 86_400_000


def audience(items: Sequence[str], k: int = 5, **options: object) -> pl.DataFrame:
    return find_audience(MODEL, WORLD, items, k, config=SMALL, **options)


def likes_gardens(user: str) -> bool:
    return bool(int(user.removeprefix("p")) % 2)


def test_the_people_whose_taste_it_is() -> None:
    for taste in ("garden", "desk"):
        found = audience([f"{taste}-3"], 3)
        assert found["rank"].to_list() == list(range(1, len(found) + 1))
        assert found["score"].is_sorted(descending=True)
        assert {likes_gardens(user) for user in found["user_id"]} == {taste == "garden"}
        assert found.columns == ["user_id", "rank", "score"]


def test_people_who_have_it_or_refused_are_left_out() -> None:
    everybody = audience(["garden-3"], PEOPLE)
    for user in everybody["user_id"]:
        assert "garden-3" not in MODEL.history_of(user)
    first = everybody["user_id"][0]
    assert first not in audience(["garden-3"], PEOPLE, refused=[first, "nobody"])["user_id"]


def test_the_cap_counts_within_its_days() -> None:
    first, second = audience(["garden-3"])["user_id"][:2]
    shown = pl.DataFrame(
        {
            "user_id": [first] * 3 + [second] * 3,
            "timestamp": [NOW - DAY * days for days in (1, 2, 3, 1, 2, 30)],
        }
    )
    left = audience(["garden-3"], PEOPLE, shown=shown, now=NOW)["user_id"]
    assert first not in left
    assert second in left
    with pytest.raises(InputError, match="now"):
        audience(["garden-3"], shown=shown)
    with pytest.raises(DataError, match="timestamp"):
        audience(["garden-3"], shown=shown.select("user_id"), now=NOW)


def test_an_advertisement_of_words_alone() -> None:
    engine = SearchEngine(WORLD.items)
    items = items_like(engine, MODEL, "everything for your garden", 3)
    assert all(item.startswith("garden") for item in items)
    found = audience([item for item in items if item != "garden-cold"][:1], 3)
    assert all(likes_gardens(user) for user in found["user_id"])
    with pytest.raises(InputError, match="no item"):
        items_like(engine, MODEL, "xylophones")


def test_an_audience_that_points_at_few_is_refused() -> None:
    with pytest.raises(InputError, match="smallest allowed is of 20"):
        find_audience(MODEL, WORLD, ["garden-3"], 3)


def test_bad_input() -> None:
    with pytest.raises(UnknownIdError, match="nothing"):
        audience(["garden-3", "nothing"])
    with pytest.raises(UnknownIdError):
        audience([])
    with pytest.raises(InputError, match="at least 1"):
        audience(["garden-3"], 0)
    other = two_tastes().only_with_events()
    with pytest.raises(InputError, match="other items"):
        find_audience(MODEL, other, ["garden-3"], 5)
