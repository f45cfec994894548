from __future__ import annotations

import numpy as np

from foretaste.models import ItemKNN, Popularity, SwitchingHybrid
from foretaste.models.hybrid.switching import best_ranges
from tests.contracts.worlds import two_tastes


def test_the_threshold_is_found() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 40, 4000)
    short = (lengths < 12)[:, None]
    values = np.where(short, [0.6, 0.2], [0.2, 0.6]) + rng.normal(0, 0.3, (4000, 2))
    starts, members = best_ranges(lengths, values, 4)
    assert members.tolist() == [0, 1]
    assert starts[0] == 0
    assert abs(starts[1] - 12) <= 2


def test_chance_makes_no_ranges() -> None:
    rng = np.random.default_rng(1)
    values = rng.random((500, 3)) + np.array([0, 0.1, 0])
    starts, members = best_ranges(rng.integers(0, 50, 500), values, 5)
    assert (starts.tolist(), members.tolist()) == ([0], [1])


def test_the_one_range_is_the_better_member() -> None:
    split = two_tastes().split("leave-one-out")
    model = SwitchingHybrid(recommenders=[Popularity(), ItemKNN()])
    model.fit(split.train, split.validation)
    assert model.choices == [(0, "itemknn")]
    histories = split.test.histories
    expected = model.recommenders[1].score_all(histories)
    np.testing.assert_array_equal(model.score_all(histories), expected)
