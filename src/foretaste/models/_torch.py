"""What the models that are small networks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foretaste.data import Ragged, Targets
from foretaste.metrics import hit_positions, ndcg
from foretaste.models.base import Recommender

_PREFIX = "network."
_VALIDATED_AT = 10

Network = TypeVar("Network", bound=nn.Module)


def tensors_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """A network's weights as named tensors, for a model's state."""
    return {_PREFIX + name: value.numpy() for name, value in network.state_dict().items()}


def load_weights(network: nn.Module, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Gives a network the weights that `tensors_of` took.

    Raises:
        RuntimeError: They do not fit.
    """
    weights = {
        name.removeprefix(_PREFIX): torch.from_numpy(value)
        for name, value in tensors.items()
        if name.startswith(_PREFIX)
    }
    network.load_state_dict(weights)
    network.eval()


def bag(table: Tensor, histories: Ragged, weights: NDArray[np.float32] | None = None) -> Tensor:
    """The sum of the rows of `table` that each history names, float[histories, d].

    Args:
        table: float[items + 1, d].
        histories: Item codes.
        weights: float32[total], of every item; by default 1.
    """
    return nn.functional.embedding_bag(
        torch.from_numpy(histories.values).long(),
        table,
        torch.from_numpy(histories.offsets[:-1]),
        mode="sum",
        per_sample_weights=None if weights is None else torch.from_numpy(weights),
    )


def validator(
    model: Recommender,
    use: Callable[[Network], None],
    validation: Targets | None,
    most_users: int,
    seed: int,
) -> Callable[[Network], float] | None:
    """What `train_network` stops early by: NDCG@10 over the full catalogue.

    Args:
        model: Ranks for the histories.
        use: Makes `model` answer by a network.
        validation: Without it there is no early stopping.
        most_users: So many people at most are ranked for, drawn at random.
        seed: Of the draw.
    """
    if validation is None:
        return None
    if len(validation) > most_users:
        drawn = np.random.default_rng(seed).choice(len(validation), most_users, replace=False)
        validation = validation.take(np.sort(drawn))
    targets = validation

    def measure(network: Network) -> float:
        use(network)
        ranked = model.rank(targets.histories, _VALIDATED_AT).items
        hits = hit_positions(ranked, targets.items.row_of_value, targets.items.values)
        return float(ndcg(hits, targets.items.lengths).mean())

    return measure
