from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from foretaste.training import TrainingConfig
from foretaste.training.optimiser import Optimiser, RowAdam

ROWS, DIMENSION = 30, 4


class Table(nn.Module):
    row_sparse = True

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.arange(ROWS * DIMENSION).view(ROWS, -1) / 100)

    def forward(self, codes: Tensor) -> Tensor:
        return functional.embedding(codes, self.rows, sparse=True)


def batches() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 20, (8,), generator=generator) for _ in range(15)]


def squares(table: Table, codes: Tensor) -> Tensor:
    return (table(codes) - 1).square().sum()


def test_row_adam_is_sparse_adam() -> None:
    ours, reference = Table(), Table()
    adam = RowAdam(ours.parameters())
    for group in adam.param_groups:
        group["lr"] = 0.05
    sparse_adam = torch.optim.SparseAdam(reference.parameters(), lr=0.05)
    for codes in batches():
        for table, optimiser in ((ours, adam), (reference, sparse_adam)):
            optimiser.zero_grad()
            squares(table, codes).backward()
            assert table.rows.grad is not None
            table.rows.grad = table.rows.grad.coalesce()
            optimiser.step()
    torch.testing.assert_close(ours.rows, reference.rows)
    assert torch.equal(ours.rows[20:], Table().rows[20:])
    assert not torch.equal(ours.rows[:20], Table().rows[:20])


def test_the_whole_gradient_is_clipped_sparse_or_not() -> None:
    """The first step of Adam hides the length of a gradient; its moments do not."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = Table()
            self.dense = nn.Parameter(torch.zeros(2, 2))

    network = Both()
    optimiser = Optimiser(network, TrainingConfig(gradient_clip=1.0, warmup_steps=0))
    codes = torch.tensor([3, 3, 5])
    (100 * network.table(codes).sum() + 50 * network.dense.sum()).backward()
    optimiser.step()
    state = optimiser.state()
    dense = state["0.0.exp_avg"] / 0.1
    rows = state["1.0.mean"] / 0.1
    norm = (dense.square().sum() + rows.square().sum()).sqrt()
    torch.testing.assert_close(norm, torch.tensor(1.0))
    torch.testing.assert_close(rows[3], 2 * rows[5])
    torch.testing.assert_close(dense[0, 0] * 2, rows[5, 0])


def test_the_learning_rate_rises_while_warming() -> None:
    steps = []
    for warming in (True, False):
        network = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(network.weight)
        config = TrainingConfig(warmup_steps=9, learning_rate=0.1, weight_decay=0.0)
        optimiser = Optimiser(network, config)
        (-network.weight.sum()).backward()
        optimiser.step(warming=warming)
        steps.append(network.weight.item())
    torch.testing.assert_close(torch.tensor(steps), torch.tensor([0.01, 0.1]))


def test_goes_on_from_its_state() -> None:
    def run(stop: int | None) -> Table:
        network = Table()
        optimiser = Optimiser(network, TrainingConfig())
        for number, codes in enumerate(batches()):
            if number == stop:
                state = {name: value.clone() for name, value in optimiser.state().items()}
                optimiser = Optimiser(network, TrainingConfig())
                optimiser.restore(state, number)
            squares(network, codes).backward()
            optimiser.step()
        return network

    assert torch.equal(run(None).rows, run(7).rows)
