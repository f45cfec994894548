from __future__ import annotations

import numpy as np
import pytest
import torch

from foretaste.data import Ragged
from foretaste.errors import ConfigError
from foretaste.models import NeuralCF
from foretaste.models.neural import NeuralCFBatch, NeuralCFConfig, NeuralCFNetwork


@pytest.mark.parametrize("kind", ["gmf", "mlp", "neumf"])
def test_the_loss_foresees_each_item_from_the_others(kind: str) -> None:
    torch.manual_seed(0)
    network = NeuralCFNetwork(NeuralCFConfig(kind=kind, dimension=3, layers=(4,)), items=7)
    rows = [[1, 2, 3], [4, 5]]
    weights = torch.tensor([1.0, 2, 1, 1, 0.5])
    seen = torch.zeros(2, 7, dtype=torch.bool)
    seen[0, [1, 2, 3]] = seen[1, [4, 5]] = True
    batch = NeuralCFBatch(Ragged.from_rows(rows), weights, seen)
    negatives = torch.tensor([1, 4, 6])
    total = torch.zeros(())
    pairs = [(row, target) for row in rows for target in row]
    for (row, target), weight in zip(pairs, weights, strict=True):
        others = [item for item in row if item != target]
        person = network.table[others].sum(0) / np.sqrt(len(others))
        against = torch.tensor([n for n in negatives.tolist() if n not in row])
        logits = network(person[None], torch.cat([torch.tensor([target]), against]))
        total += weight * -torch.log_softmax(logits, 0)[0]
    torch.testing.assert_close(network.loss(batch, negatives), total / weights.sum())


def test_kinds_and_layers_out_of_range() -> None:
    with pytest.raises(ConfigError, match="kind"):
        NeuralCF(kind="ncf")
    with pytest.raises(ConfigError, match="layers"):
        NeuralCF(layers=())


def test_the_reader_starts_where_people_and_items_act_together() -> None:
    """The part of its first scores that is no sum of a person's and an item's own."""
    torch.manual_seed(0)
    network = NeuralCFNetwork(NeuralCFConfig(kind="mlp"), items=400)
    with torch.no_grad():
        scores = network(network.table[:200, None], torch.arange(200, 400))
    alone = scores.mean(0, keepdim=True) + scores.mean(1, keepdim=True) - scores.mean()
    assert (scores - alone).var() > 0.17 * scores.var()
