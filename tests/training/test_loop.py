from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from foretaste.training import TrainingConfig, TrainingHistory, seeded, train_network

TARGET = torch.tensor([[2.0, -1.0]])


def run(
    metrics: list[float] | None = None, **settings: object
) -> tuple[nn.Linear, TrainingHistory, list[torch.Tensor]]:
    """Trains a linear map towards TARGET, with a validation metric told beforehand."""
    network = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(network.weight)
    seen: list[torch.Tensor] = []
    told = iter(metrics or [])

    def validate(network: nn.Linear) -> float:
        assert not network.training
        seen.append(network.weight.detach().clone())
        return next(told)

    check: Callable[[nn.Linear], float] | None = validate if metrics else None
    inputs = torch.eye(2)
    history = train_network(
        network,
        batches=lambda: [inputs] * 20,
        loss=lambda batch: (network(batch) - TARGET.T).square().mean(),
        validate=check,
        config=TrainingConfig.parse(
            {
                "epochs": 6,
                "patience": 2,
                "learning_rate": 0.05,
                "warmup_steps": 5,
                "average": 0.0,
            }
            | settings
        ),
    )
    return network, history, seen


def test_without_validation_every_epoch_is_run_and_the_loss_falls() -> None:
    network, history, _ = run(weight_decay=0.0, epochs=20)
    losses = [epoch.loss for epoch in history.epochs]
    assert [epoch.number for epoch in history.epochs] == list(range(1, 21))
    assert losses[-1] < 0.01 * losses[0]
    assert all(epoch.metric is None for epoch in history.epochs)
    torch.testing.assert_close(network.weight.detach(), TARGET, atol=0.1, rtol=0)
    assert not network.training


def test_stops_when_patience_is_spent_and_keeps_the_best_weights() -> None:
    network, history, seen = run([0.1, 0.3, 0.2, 0.25, 0.9])
    assert [epoch.metric for epoch in history.epochs] == [0.1, 0.3, 0.2, 0.25]
    assert history.best == 2
    assert torch.equal(network.weight, seen[1])
    assert not torch.equal(seen[1], seen[3])


def test_a_late_recovery_is_waited_for() -> None:
    _, history, _ = run([0.3, 0.2, 0.4, 0.1, 0.5, 0.6])
    assert history.best == 6


def test_averaged_weights_are_what_is_validated_and_kept() -> None:
    raw, _, seen_raw = run([0.1, 0.2, 0.3], epochs=3, patience=9)
    network, _, seen = run([0.1, 0.2, 0.3], epochs=3, patience=9, average=0.9)
    assert torch.equal(network.weight, seen[2])
    # The mean of a path from zero lags behind its end.
    for average, weights in zip(seen, seen_raw, strict=True):
        assert 0 < average.norm() < weights.norm()
    assert torch.equal(raw.weight, seen_raw[2])


def test_undecayed_modules_are_spared() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.plain = nn.Linear(2, 2, bias=False)
            self.spared = nn.Linear(2, 2, bias=False)
            self.spared.undecayed = True

    network = Pair()
    before = [network.plain.weight.norm().item(), network.spared.weight.norm().item()]
    train_network(
        network,
        batches=lambda: [0] * 50,
        loss=lambda _: sum((p.sum() * 0 for p in network.parameters()), torch.tensor(0.0)),
        validate=None,
        config=TrainingConfig(epochs=1, weight_decay=0.5, learning_rate=0.01, warmup_steps=0),
    )
    assert network.plain.weight.norm().item() < 0.9 * before[0]
    assert network.spared.weight.norm().item() == pytest.approx(before[1])


def test_seeded_blocks_repeat_and_leave_nothing_behind() -> None:
    outside = torch.random.get_rng_state()
    draws = []
    for _ in range(2):
        with seeded(7) as generator:
            draws.append((torch.rand(3), torch.rand(3, generator=generator)))
    assert all(torch.equal(a, b) for a, b in zip(*draws, strict=True))
    assert torch.equal(torch.random.get_rng_state(), outside)
