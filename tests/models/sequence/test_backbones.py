from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foretaste.data import Ragged
from foretaste.models import SequenceRecommender
from foretaste.models.sequence import SequenceConfig
from foretaste.models.sequence.backbones import build_backbone
from foretaste.models.sequence.backbones.linear_recurrent import LinearRecurrence, recurrence
from foretaste.models.sequence.config import BackboneName
from foretaste.models.sequence.network import SequenceNetwork
from foretaste.training import seeded
from tests.models.sequence.test_model import SMALL, cycle

BACKBONES: tuple[BackboneName, ...] = get_args(BackboneName)
CAUSAL = [name for name in BACKBONES if name != "bert4rec"]
ITEMS = 9


def network(backbone: BackboneName, length: int = 6) -> SequenceNetwork:
    with seeded(0):
        base = torch.nn.functional.normalize(torch.randn(ITEMS + 1, 8), dim=1)
        base[0] = 0
        config = SequenceConfig(backbone=backbone, dimension=8, length=length)
        built = SequenceNetwork(config, ITEMS, base)
        # Else a head of zeros says nothing of the blocks.
        torch.nn.init.normal_(built.backbone.head.weight)
        return built.eval()


@pytest.mark.parametrize("backbone", CAUSAL)
def test_no_position_sees_a_later_one(backbone: BackboneName) -> None:
    reads = network(backbone)
    states = reads(torch.tensor([[1, 2, 3, 4, 5]]))
    others = reads(torch.tensor([[1, 2, 3, 9, 8]]))
    torch.testing.assert_close(states[:, :3], others[:, :3])
    assert not torch.allclose(states[:, 3:], others[:, 3:])


@pytest.mark.parametrize("backbone", CAUSAL)
def test_every_position_sees_all_that_came_before(backbone: BackboneName) -> None:
    vectors = torch.randn(1, 6, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    with seeded(1):
        built = network(backbone).backbone
    built.recent.log_scale.data.fill_(-torch.inf)
    built(vectors)[0, 5].square().sum().backward()
    assert (vectors.grad.norm(dim=2) > 1e-9).all()


def test_bert4rec_looks_both_ways() -> None:
    reads = network("bert4rec")
    hidden, other = torch.tensor([[1, 0, 3]]), torch.tensor([[1, 0, 4]])
    assert not torch.allclose(reads(hidden)[:, 1], reads(other)[:, 1])


def test_bert4rec_is_asked_behind_the_last_item() -> None:
    reads = network("bert4rec")
    states = reads(torch.tensor([[1, 2, 3, 0]]))
    last = reads.last_state(Ragged.from_rows([[1, 2, 3]]))
    torch.testing.assert_close(last[0], states[0, 3])


@settings(deadline=None)
@pytest.mark.parametrize("backbone", BACKBONES)
@given(st.lists(st.lists(st.integers(1, ITEMS), min_size=1, max_size=10), min_size=1, max_size=8))
def test_a_state_does_not_depend_on_the_rest_of_the_batch(
    backbone: BackboneName, histories: list[list[int]]
) -> None:
    reads = network(backbone)
    together = reads.last_state(Ragged.from_rows(histories))
    alone = torch.cat([reads.last_state(Ragged.from_rows([row])) for row in histories])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_learns_what_follows_what(backbone: BackboneName) -> None:
    model = SequenceRecommender(
        backbone=backbone,
        **SMALL,
        training={"epochs": 60, "learning_rate": 0.02, "warmup_steps": 0, "average": 0.9},
    ).fit(cycle())
    for last in range(8):
        history = [(last - 1) % 8, last]
        first = model.recommend(histories=[history], k=1)["item_id"].item()
        assert first == (last + 1) % 8


@pytest.mark.parametrize("backbone", BACKBONES)
def test_scores_from_vectors_are_scores(backbone: BackboneName) -> None:
    model = SequenceRecommender(backbone=backbone, **SMALL, training={"epochs": 2}).fit(cycle())
    codes = np.array([1, 4, 2], np.int32)
    vectors = model.input_vectors(codes)[None].requires_grad_()
    found = model.score_vectors(vectors, 3)
    expected = model.score_all(Ragged.from_rows([codes]))[0, 3]
    assert found.item() == pytest.approx(expected, rel=1e-4)
    found.sum().backward()
    assert vectors.grad.abs().sum() > 0


@pytest.mark.parametrize("backbone", BACKBONES)
def test_reads_in_bf16(backbone: BackboneName) -> None:
    reads = network(backbone).train()
    with torch.autocast("cpu", torch.bfloat16):
        states = reads(torch.tensor([[1, 2, 3, 4, 0]]))
        states.float().square().sum().backward()
    assert states.isfinite().all()
    assert all(p.grad.isfinite().all() for p in reads.parameters() if p.grad is not None)


@settings(deadline=None)
@given(width=st.integers(1, 70), seed=st.integers(0, 99))
def test_the_recurrence_is_what_it_is_step_by_step(width: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(2, width, 3, dtype=torch.complex64, generator=rng)
    kept = torch.polar(torch.rand(3, generator=rng), 6.28 * torch.rand(3, generator=rng))
    state, expected = torch.zeros(2, 3, dtype=torch.complex64), []
    for step in x.unbind(1):
        state = kept * state + step
        expected.append(state)
    torch.testing.assert_close(recurrence(x, kept), torch.stack(expected, 1), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("log_rate", [-40.0, 0.0, 40.0])
def test_the_recurrence_is_stable_wherever_learning_takes_it(log_rate: float) -> None:
    unit = LinearRecurrence(4)
    unit.log_rate.data.fill_(log_rate)
    x = torch.randn(1, 500, 4, requires_grad=True)
    y = unit(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert y.abs().max() < 100
    gradients = [p.grad for p in (x, *unit.parameters())]
    assert all(g is not None and g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_row_may_have_one_place_more_than_is_read(backbone: BackboneName) -> None:
    config = SequenceConfig(backbone=backbone, dimension=8, length=5)
    assert build_backbone(config)(torch.randn(2, 6, 8)).shape == (2, 6, 8)
