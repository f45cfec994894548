from __future__ import annotations

import pytest
import torch
from torch import nn

from foretaste.training import averaging
from foretaste.training.averaging import MovingAverage


def walk(average: MovingAverage, network: nn.Linear, steps: int) -> list[float]:
    """Moves the weight by one a step; the average after each."""
    seen = []
    for _ in range(steps):
        with torch.no_grad():
            network.weight += 1
        average.update()
        seen.append(average.values[0].item())
    return seen


def one() -> nn.Linear:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    return network


def test_without_decay_the_average_is_the_weight() -> None:
    network = one()
    assert walk(MovingAverage(network, 0.0), network, 5) == [1, 2, 3, 4, 5]


def test_follows_at_the_distance_its_decay_says() -> None:
    network = one()
    lag = 400 - walk(MovingAverage(network, 0.9), network, 400)[-1]
    assert lag == pytest.approx(0.9 / 0.1, rel=0.01)


def test_the_start_is_forgotten_at_once() -> None:
    network = one()
    assert walk(MovingAverage(network, 0.999), network, 1) == [1]


def test_a_large_network_is_averaged_less_often_to_the_same_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(averaging, "_PARAMETERS_A_STEP", 0.25)
    network = one()
    seen = walk(MovingAverage(network, 0.9), network, 400)
    assert seen[4] == seen[5] == seen[6] != seen[7]
    assert 400 - seen[-1] == pytest.approx(0.9 / 0.1, abs=4)


def test_a_large_network_is_not_left_behind_at_the_end_of_an_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(averaging, "_PARAMETERS_A_STEP", 0.1)
    network = one()
    average = MovingAverage(network, 0.0)
    assert walk(average, network, 3)[-1] == 0
    average.catch_up()
    assert average.values[0].item() == 3
    average.catch_up()
    assert average.values[0].item() == 3


def test_applies_the_average_and_takes_it_back() -> None:
    network = one()
    average = MovingAverage(network, 0.9)
    told = walk(average, network, 10)[-1]
    with average.applied():
        assert network.weight.item() == told
    assert network.weight.item() == 10
    assert average.values[0].item() == told
