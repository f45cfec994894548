from __future__ import annotations

import numpy as np
import torch

from foretaste.models import LightGCN
from foretaste.models._implicit import ImplicitConfig, interactions
from foretaste.models.graph import LightGCNNetwork
from tests.contracts.worlds import dataset, two_tastes

QUICK = {"epochs": 3, "warmup_steps": 0}


def test_vectors_spread_over_the_graph() -> None:
    """Equations 3 and 4 of He et al. (2020), as dense products."""
    people = interactions(dataset([(1, [1, 2]), (2, [2, 3]), (3, [1, 2, 3])]), ImplicitConfig())
    network = LightGCNNetwork(people, dimension=4, layers=2)
    dense = people.toarray()
    degrees = np.outer(dense.sum(1), np.maximum(dense.sum(0), 1))
    edges = torch.from_numpy((dense / np.sqrt(degrees)).astype(np.float32))
    p, q = network.people.detach(), network.items.detach()
    layers_p, layers_q = [p], [q]
    for _ in range(2):
        p, q = edges @ q, edges.T @ p
        layers_p.append(p)
        layers_q.append(q)
    found_p, found_q = network()
    torch.testing.assert_close(found_p.detach(), torch.stack(layers_p).mean(0))
    torch.testing.assert_close(found_q.detach(), torch.stack(layers_q).mean(0))


def test_people_are_what_the_layers_send_them() -> None:
    """Of somebody met in training all is there but the share of the vector learnt for them."""
    world = two_tastes()
    people = interactions(world, ImplicitConfig())
    network = LightGCNNetwork(people, dimension=4, layers=2)
    model = LightGCN(dimension=4, layers=2, half_life=None, training=QUICK).fit(world)
    model._use(network)
    with torch.no_grad():
        found_p, found_q = network()
        own = network.people / 3
    expected = ((found_p - own) @ found_q.T).numpy()
    np.testing.assert_allclose(model._score(world.histories()), expected, rtol=1e-4, atol=1e-6)


def test_the_weight_of_an_action_is_that_of_its_edge() -> None:
    world = two_tastes()
    people = interactions(world, ImplicitConfig())
    people.data[0] = 9
    plain = LightGCNNetwork(people, dimension=4, layers=1)
    assert float(plain._to_people.values().max()) > 0.4
    sums = plain._to_people.to_dense().sum(1)
    assert sums[0] != sums[2]
