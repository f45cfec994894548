from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from foretaste.content import TextEncoder
from foretaste.data import Dataset
from foretaste.errors import DataError, InputError
from foretaste.models import ContentBased, TwoTower
from foretaste.models.two_tower.calibration import Calibration
from tests.content.words import WordCounts
from tests.contracts.worlds import dataset

KINDS = ("garden", "desk", "lamp")
QUICK = {
    "epochs": 30,
    "learning_rate": 0.01,
    "warmup_steps": 0,
    "average": 0.9,
    "patience": 30,
    "batch_tokens": 64,
}


def world(people: int = 150) -> Dataset:
    """After something for the garden comes a desk, after a desk a lamp; now and then anything."""
    rng = np.random.default_rng(0)
    items = [f"{kind}-{n}" for n in range(10) for kind in KINDS]

    def history(start: int) -> list[str]:
        kinds = [
            KINDS[(start + n) % 3 if rng.random() < 0.9 else rng.integers(3)] for n in range(6)
        ]
        return [f"{kind}-{rng.integers(10)}" for kind in kinds]

    return dataset(
        ((f"p{person}", history(int(rng.integers(3)))) for person in range(people)),
        pl.DataFrame({"item_id": items, "title": [f"A {name.split('-')[0]}" for name in items]}),
    )


@pytest.fixture(scope="module")
def fitted() -> TwoTower:
    split = world().split("leave-one-out")
    model = TwoTower(content=WordCounts(), dimension=3, half_life=0.5, training=QUICK)
    return model.fit(split.train, validation=split.validation)


def test_it_starts_where_content_stands() -> None:
    data = world()
    settings = {"content": WordCounts(), "half_life": 2.0}
    still = {"epochs": 1, "learning_rate": 1e-12, "average": 0.0}
    model = TwoTower(**settings, dimension=3, training=still).fit(data)
    plain = ContentBased(**settings).fit(data)
    histories = [["garden-1", "desk-2"], ["lamp-0"]]
    items = ["garden-3", "desk-3", "lamp-3"]
    np.testing.assert_allclose(
        model.score(histories, items), plain.score(histories, items), atol=1e-4
    )


def test_it_learns_what_comes_after_what(fitted: TwoTower) -> None:
    for before, after in zip(KINDS, (*KINDS[1:], KINDS[0]), strict=True):
        table = fitted.recommend(histories=[[f"{before}-1"]], k=8)
        assert all(item.startswith(after) for item in table["item_id"])
    assert fitted.score([["desk-1"]], ["lamp-1"]).max() <= 1 + 1e-6


def test_a_threshold_gives_every_item_that_is_near_enough(fitted: TwoTower) -> None:
    histories = [["desk-1"], ["lamp-2"], []]
    scores = fitted.score(histories[:2], fitted.item_vocabulary.ids.to_list())
    for least in (-1.0, 0.0, 0.9):
        table = fitted.matches(histories=histories, similarity=least)
        assert set(table["user_id"]) <= {0, 1}
        for row, history in enumerate(histories[:2]):
            found = table.filter(pl.col("user_id") == row)
            near = {
                item
                for item, score in zip(fitted.item_vocabulary.ids, scores[row], strict=True)
                if score >= least and item not in history
            }
            assert set(found["item_id"]) == near
            assert found["rank"].to_list() == list(range(1, len(near) + 1))
            assert found["score"].is_sorted(descending=True)
    assert fitted.matches(histories=histories, similarity=1.1).is_empty()


def test_a_chance_is_how_often_it_happens(fitted: TwoTower) -> None:
    """Held-out people take about as many items as the chances of all items add up to."""
    targets = world().split("leave-one-out").test
    rows = targets.histories
    everything = fitted.score_all(rows)[:, 1:]
    assert fitted._calibration is not None
    chances = fitted._calibration.chance(everything)
    assert chances.sum() / len(rows) == pytest.approx(1.0, rel=0.2)
    likely = chances >= np.quantile(chances, 0.8)
    taken = np.zeros(everything.shape, bool)
    taken[targets.items.row_of_value, targets.items.values - 1] = True
    assert taken[likely].mean() == pytest.approx(chances[likely].mean(), rel=0.25)
    assert taken[likely].mean() > 2 * taken[~likely].mean()


def test_chances_as_a_threshold(fitted: TwoTower) -> None:
    everything = fitted.matches(histories=[["desk-1"]], similarity=-1.0)
    least = float(everything["chance"].median())
    table = fitted.matches(histories=[["desk-1"]], chance=least)
    assert (
        table["item_id"].to_list()
        == everything.filter(pl.col("chance") >= least)["item_id"].to_list()
    )
    assert fitted.matches(histories=[["desk-1"]], chance=1.0).is_empty()


def test_chances_survive_saving(fitted: TwoTower) -> None:
    again = TwoTower.from_state(fitted.state())
    asked = {"users": ["p1", "p2"], "chance": 0.03}
    assert again.matches(**asked).equals(fitted.matches(**asked))


def test_the_curve_never_falls() -> None:
    rng = np.random.default_rng(0)
    similarities = rng.uniform(-1, 1, 2000).astype(np.float32)
    taken = rng.random(2000) < (similarities + 1) / 4
    curve = Calibration.fit(similarities, taken, np.ones(2000, np.float32))
    grid = np.linspace(-1, 1, 101, dtype=np.float32)
    assert (np.diff(curve.chance(grid)) >= 0).all()
    np.testing.assert_allclose(curve.chance(grid[10:-10]), (grid[10:-10] + 1) / 4, atol=0.12)
    twice = Calibration.fit(similarities, taken, np.where(taken, 1, 4).astype(np.float32))
    assert (twice.chance(grid) <= curve.chance(grid) + 1e-6).all()


def test_a_curve_that_falls_is_no_calibration() -> None:
    falling = Calibration(np.array([0.0, 1.0]), np.array([0.5, 0.1]))
    with pytest.raises(ValueError, match="rising"):
        Calibration.restored(falling.tensors())


def test_thresholds_are_asked_for_one_at_a_time(fitted: TwoTower) -> None:
    for wrong in ({}, {"similarity": 0.1, "chance": 0.1}):
        with pytest.raises(InputError):
            fitted.matches(histories=[["desk-1"]], **wrong)
    with pytest.raises(InputError):
        fitted.matches(histories=[["desk-1"]], texts=["desk"], similarity=0.0)
    with pytest.raises(InputError, match="no texts"):
        fitted.matches(texts=["desk"], similarity=0.0)
    uncalibrated = TwoTower(content=WordCounts(), dimension=3, training={"epochs": 1}).fit(world())
    with pytest.raises(InputError, match="validation"):
        uncalibrated.matches(histories=[["desk-1"]], chance=0.1)
    table = uncalibrated.matches(histories=[["desk-1"]], similarity=-1.0)
    assert table["chance"].null_count() == len(table) > 0


def test_nobody_with_two_events() -> None:
    data = dataset([("a", ["x"]), ("b", ["y"])], pl.DataFrame({"item_id": ["x", "y"]}))
    with pytest.raises(DataError, match="two events"):
        TwoTower(content=WordCounts()).fit(data)


@pytest.mark.slow
def test_people_may_say_what_they_want() -> None:
    data = world(40)
    encoder = TextEncoder(cache=None, precision="fp32")
    still = {"epochs": 1, "learning_rate": 1e-12, "average": 0.0}
    model = TwoTower(content=encoder, dimension=8, training=still).fit(data)
    table = model.recommend_texts(["A garden", "A lamp"], k=10)
    first, second = table.partition_by("user_id", maintain_order=True)
    assert all(item.startswith("garden") for item in first["item_id"])
    assert all(item.startswith("lamp") for item in second["item_id"])
    with pytest.raises(InputError):
        model.recommend_texts(["A garden"], k=0)
