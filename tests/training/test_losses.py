from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from foretaste.training import UniformNegatives, sampled_softmax


def world(items: int = 50) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(items + 1, 8, generator=generator)
    hidden = torch.randn(20, 8, generator=generator)
    targets = torch.randint(1, items + 1, (20,), generator=generator)
    return hidden, vectors, targets


def loss_with(sampled: torch.Tensor, items: int) -> torch.Tensor:
    hidden, vectors, targets = world()
    return sampled_softmax(
        hidden, vectors[targets], vectors[sampled], targets=targets, sampled=sampled, items=items
    )


def loss_per_position(
    hidden: torch.Tensor, vectors: torch.Tensor, targets: torch.Tensor, sampled: torch.Tensor
) -> torch.Tensor:
    return torch.stack(
        [
            sampled_softmax(
                h[None],
                vectors[t][None],
                vectors[sampled],
                targets=t[None],
                sampled=sampled,
                items=50,
            )
            for h, t in zip(hidden, targets, strict=True)
        ]
    )


def test_all_items_as_negatives_is_the_full_softmax() -> None:
    hidden, vectors, targets = world()
    full = functional.cross_entropy(hidden @ vectors[1:].T, targets - 1)
    torch.testing.assert_close(loss_with(torch.arange(1, 51), 50), full)


def test_few_negatives_estimate_the_full_partition_function() -> None:
    hidden, vectors, targets = world()
    logits = hidden @ vectors[1:].T
    own = logits.gather(1, targets[:, None] - 1)
    negatives = UniformNegatives(torch.arange(1, 51), 25)
    torch.manual_seed(0)
    drawn = [negatives.draw() for _ in range(4000)]
    losses = torch.stack([loss_per_position(hidden, vectors, targets, d) for d in drawn])
    # exp(loss) is the partition function over the target's own weight, and that is unbiased but
    # for the target itself, which is counted as a positive and never as a negative.
    expected = 1 + ((logits - own).exp().sum(1) - 1)
    torch.testing.assert_close(losses.exp().mean(0), expected, rtol=0.1, atol=0)


def test_negatives_are_distinct_and_from_the_pool() -> None:
    pool = torch.tensor([3, 5, 7, 11, 13])
    negatives = UniformNegatives(pool, 3)
    drawn = torch.stack([negatives.draw() for _ in range(100)])
    assert drawn.shape == (100, 3)
    assert set(drawn.flatten().tolist()) == set(pool.tolist())
    assert all(len(set(row.tolist())) == 3 for row in drawn)
    everything = UniformNegatives(pool, 9).draw()
    assert everything.tolist() == pool.tolist()


def test_gradients_are_those_of_the_plain_formula() -> None:
    generator = torch.Generator().manual_seed(1)
    hidden, positives, negatives = (
        torch.randn(rows, 4, generator=generator, dtype=torch.float64, requires_grad=True)
        for rows in (7, 7, 5)
    )
    targets, sampled = torch.tensor([1, 2, 3, 9, 9, 4, 8]), torch.tensor([2, 3, 5, 6, 8])

    def loss(h: torch.Tensor, p: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return sampled_softmax(h, p, n, targets=targets, sampled=sampled, items=20)

    def plain(h: torch.Tensor, p: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        others = h @ n.T + math.log(20 / 5)
        others = others.masked_fill(targets[:, None] == sampled, -torch.inf)
        logits = torch.cat([(h * p).sum(1, keepdim=True), others], dim=1)
        return functional.cross_entropy(logits, torch.zeros(7, dtype=torch.long))

    torch.testing.assert_close(
        loss(hidden, positives, negatives), plain(hidden, positives, negatives)
    )
    assert torch.autograd.gradcheck(loss, (hidden, positives, negatives))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = loss_with(torch.arange(1, 51, 2), 50)
    monkeypatch.setattr("foretaste.training.losses._CHUNK", 60)
    torch.testing.assert_close(loss_with(torch.arange(1, 51, 2), 50), whole)
