from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from foretaste.training import Checkpoint, TrainingConfig, TrainingHistory, seeded, train_network

TARGET = torch.tensor([[2.0, -1.0]])


def run(
    metrics: list[float] | None = None, **settings: object
) -> tuple[nn.Linear, TrainingHistory, list[torch.Tensor]]:
    """Trains a linear map towards TARGET, with a validation metric told beforehand."""
    network = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(network.weight)
    seen: list[torch.Tensor] = []
    told = iter(metrics or [])

    def validate() -> float:
        assert not network.training
        seen.append(network.weight.detach().clone())
        return next(told)

    check: Callable[[], float] | None = validate if metrics else None
    inputs = torch.eye(2)
    history = train_network(
        network,
        batches=lambda _: [inputs] * 20,
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
        seed=0,
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
        batches=lambda _: [0] * 50,
        loss=lambda _: sum((p.sum() * 0 for p in network.parameters()), torch.tensor(0.0)),
        validate=None,
        config=TrainingConfig(epochs=1, weight_decay=0.5, learning_rate=0.01, warmup_steps=0),
        seed=0,
    )
    assert network.plain.weight.norm().item() < 0.9 * before[0]
    assert network.spared.weight.norm().item() == pytest.approx(before[1])


def noisy(network: nn.Linear, checkpoint: Checkpoint | None, die_at: int | None = None) -> None:
    """Trains with dropout and an order of batches that differs from epoch to epoch."""
    numbers: list[int] = []

    def batches(epoch: int) -> list[torch.Tensor]:
        numbers.append(epoch)
        if epoch == die_at:
            raise KeyboardInterrupt
        return list(torch.eye(2)[torch.randperm(2, generator=torch.manual_seed(epoch))])

    def loss(batch: torch.Tensor) -> torch.Tensor:
        return (functional.dropout(network(batch), 0.5) - batch.sum()).square().mean()

    train_network(
        network,
        batches=batches,
        loss=loss,
        validate=lambda: -network.weight.square().sum().item(),
        config=TrainingConfig(epochs=8, patience=8, learning_rate=0.1, average=0.5),
        seed=3,
        checkpoint=checkpoint,
    )


def start() -> nn.Linear:
    network = nn.Linear(2, 1, bias=False)
    nn.init.ones_(network.weight)
    return network


def test_a_killed_training_goes_on_to_the_same_result(tmp_path: Path) -> None:
    whole = start()
    noisy(whole, None)
    checkpoint = Checkpoint(tmp_path / "training.safetensors", "key")
    with pytest.raises(KeyboardInterrupt):
        noisy(start(), checkpoint, die_at=5)
    assert checkpoint.path.exists()
    again = start()
    noisy(again, checkpoint)
    assert torch.equal(again.weight, whole.weight)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["another key", "cut", "garbage"])
def test_a_checkpoint_that_does_not_fit_is_passed_over(tmp_path: Path, harm: str) -> None:
    whole = start()
    noisy(whole, None)
    path = tmp_path / "training.safetensors"
    key = "another" if harm == "another key" else "key"
    with pytest.raises(KeyboardInterrupt):
        noisy(start(), Checkpoint(path, key), die_at=5)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    elif harm == "garbage":
        path.write_bytes(b"no tensors here")
    again = start()
    noisy(again, Checkpoint(path, "key"))
    assert torch.equal(again.weight, whole.weight)


def test_seeded_blocks_repeat_and_leave_nothing_behind() -> None:
    outside = torch.random.get_rng_state()
    draws = []
    for _ in range(2):
        with seeded(7):
            draws.append(torch.rand(3))
    assert torch.equal(*draws)
    assert torch.equal(torch.random.get_rng_state(), outside)
