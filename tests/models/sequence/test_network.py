from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.errors import ConfigError
from foretaste.models.sequence import SequenceConfig, item_table
from foretaste.models.sequence.item_table import ItemTable
from foretaste.models.sequence.network import SequenceBatches, SequenceNetwork
from foretaste.training import UniformNegatives

ITEMS = 9


def network(length: int = 6) -> SequenceNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        base = torch.nn.functional.normalize(torch.randn(ITEMS + 1, 8), dim=1)
        base[0] = 0
        config = SequenceConfig(dimension=8, layers=2, length=length)
        return SequenceNetwork(config, ITEMS, base).eval()


def test_a_correction_never_outgrows_its_bound() -> None:
    base = torch.nn.functional.normalize(torch.ones(4, 5), dim=1)
    table = ItemTable(3, 5, base, bound=0.5)
    torch.testing.assert_close(table.all(), base)
    with torch.no_grad():
        table.correction.copy_(torch.tensor([0.0, 0.1, 1.0, 100.0])[:, None].expand(4, 5))
    grown = (table.all() - base).norm(dim=1)
    torch.testing.assert_close(grown, torch.tensor([0.0, 0.1 * 5**0.5, 0.5, 0.5]))
    codes = torch.tensor([[2, 0], [3, 1]])
    torch.testing.assert_close(table(codes), table.all()[codes])


def test_without_words_padding_is_zero_and_the_rest_is_not() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        table = ItemTable(3, 5, None, bound=0.5)
    assert not table.all()[0].any()
    assert table.all()[1:].norm(dim=1).min() > 0.1


def test_new_items_are_what_their_words_are() -> None:
    table = network().table
    before = table.all()
    added = torch.randn(2, 8)
    table.extend(added, 2)
    torch.testing.assert_close(table.all(), torch.cat([before, added]))


def test_untouched_items_borrow_from_those_that_read_like_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.95, 0.05], [0.0, 0.0]])
    table = ItemTable(5, 2, base, bound=1.0)
    with torch.no_grad():
        table.correction[1] = torch.tensor([0.3, 0.4])
        table.correction[2] = torch.tensor([0.3, 0.4])
        table.correction[3] = torch.tensor([0.0, -0.5])
    counts = torch.tensor([0, 2, 2, 1, 0, 0])
    completed = table.completed(counts)
    torch.testing.assert_close(completed[:4], table.all()[:4])
    lent = completed[4] - base[4]
    torch.testing.assert_close(lent, torch.tensor([0.3, 0.4]), atol=0.02, rtol=0)
    # What has no words borrows nothing.
    assert not completed[5].any()
    torch.testing.assert_close(table.borrowed(torch.tensor([4]), counts), completed[4:5])
    # Of many, those with the most events lend; the others keep what they learnt.
    table.correction.data[2] = torch.tensor([-0.4, 0.3])
    monkeypatch.setattr(item_table, "MOST_LENDERS", 1)
    fewer = table.completed(counts)
    torch.testing.assert_close(fewer[4] - base[4], torch.tensor([0.3, 0.4]))
    torch.testing.assert_close(fewer[:4], table.all()[:4])


def test_no_position_sees_a_later_one() -> None:
    codes = torch.tensor([[1, 2, 3, 4, 5]])
    changed = torch.tensor([[1, 2, 3, 9, 8]])
    states, others = network()(codes), network()(changed)
    torch.testing.assert_close(states[:, :3], others[:, :3])
    assert not torch.allclose(states[:, 3:], others[:, 3:])


@given(st.lists(st.lists(st.integers(1, ITEMS), min_size=1, max_size=10), min_size=1, max_size=8))
def test_a_state_does_not_depend_on_the_rest_of_the_batch(histories: list[list[int]]) -> None:
    model = network()
    together = model.last_state(Ragged.from_rows(histories))
    alone = torch.cat([model.last_state(Ragged.from_rows([row])) for row in histories])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_only_the_latest_actions_are_read() -> None:
    model = network(length=3)
    long, short = ([5, 6, 1, 2, 3], [1, 2, 3])
    torch.testing.assert_close(
        model.last_state(Ragged.from_rows([long])), model.last_state(Ragged.from_rows([short]))
    )


@given(
    lengths=st.lists(st.integers(0, 25), min_size=1, max_size=8).filter(lambda n: max(n) > 1),
    longest=st.integers(1, 9),
    epoch=st.integers(1, 3),
    cuts=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_windows_cover_every_next_item_once(
    lengths: list[int], longest: int, epoch: int, cuts: float
) -> None:
    starts = np.cumsum([1, *lengths])
    histories = Ragged.from_rows(
        range(start, start + n) for start, n in zip(starts, lengths, strict=False)
    )
    batches = SequenceBatches(histories, length=longest, tokens=100, seed=0, cuts=cuts)
    rows = [row[row > 0].tolist() for batch in batches(epoch) for row in batch]
    assert all(2 <= len(row) <= longest + 1 for row in rows)
    seen = sorted(pair for row in rows for pair in itertools.pairwise(row))
    expected = [
        (start + place, start + place + 1)
        for start, n in zip(starts, lengths, strict=False)
        for place in range(n - 1)
    ]
    assert seen == expected


def test_windows_are_cut_elsewhere_in_each_epoch_and_the_same_way_again() -> None:
    histories = Ragged.from_rows([range(1, 100)])

    def cuts(epoch: int) -> list[list[int]]:
        batches = SequenceBatches(histories, length=20, tokens=100, seed=0)
        return [batch.tolist() for batch in batches(epoch)]

    assert cuts(1) == cuts(1)
    assert cuts(1) != cuts(2)


def test_a_share_of_the_histories_is_cut_in_two() -> None:
    histories = Ragged.from_rows([range(1, 11)] * 200)

    def firsts(cuts: float) -> list[int]:
        batches = SequenceBatches(histories, length=20, tokens=100, seed=0, cuts=cuts)
        return [row[0] for batch in batches(1) for row in batch.tolist()]

    assert firsts(0) == [1] * 200
    # At the first action nothing is cut; the second to the ninth are as likely as that.
    assert 200 * 0.3 < len(firsts(0.5)) - 200 < 200 * 0.6
    assert set(firsts(1)) == set(range(1, 10))


def test_heads_must_divide_the_dimension() -> None:
    with pytest.raises(ConfigError, match="7 is no even multiple of 2"):
        SequenceConfig.parse({"dimension": 7, "heads": 2})


def test_a_prior_is_added_to_the_logits_of_every_item() -> None:
    model = network()
    codes = torch.tensor([[1, 5, 3, 0], [2, 9, 0, 0]])
    prior = torch.linspace(0, 3, ITEMS + 1)

    def loss(added: torch.Tensor | None) -> torch.Tensor:
        everything = UniformNegatives(torch.arange(1, ITEMS + 1), ITEMS, added)
        return model.next_item_loss(codes, everything)

    logits = model(codes[:, :-1]) @ model.table.all().T + prior
    logits[..., 0] = -torch.inf
    real = codes[:, 1:] != 0
    expected = torch.nn.functional.cross_entropy(logits[real], codes[:, 1:][real])
    torch.testing.assert_close(loss(prior), expected)
    torch.testing.assert_close(loss(None), loss(torch.full_like(prior, 2.0)))
