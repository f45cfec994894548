from __future__ import annotations

import pytest
import torch

from foretaste.training import ByteDropout


@pytest.mark.parametrize("share", [0.1, 0.25, 0.4, 0.9])
def test_drops_its_share_and_keeps_the_mean(share: float) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dropped = ByteDropout(share)(torch.ones(500, 401))
    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1, abs=0.03)
    assert dropped.unique().numel() == 2


def test_neighbours_are_dropped_independently() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        kept = (ByteDropout(0.5)(torch.ones(200_001)) > 0).float()
    for lag in range(1, 17):
        both = (kept[lag:] * kept[:-lag]).mean().item()
        assert both == pytest.approx(0.25, abs=0.01)


def test_gradients_follow_what_was_kept() -> None:
    x = torch.ones(1000, requires_grad=True)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        out = ByteDropout(0.3)(x)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())


def test_does_nothing_outside_training_or_without_a_share() -> None:
    x = torch.randn(10)
    assert ByteDropout(0.5).eval()(x) is x
    assert ByteDropout(0.0)(x) is x
