"""What the models that are networks share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foretaste.data import Dataset, Ragged, Targets
from foretaste.models._validation import ndcg_on
from foretaste.models.base import Recommender
from foretaste.training import Checkpoint, TrainingConfig, train_network
from foretaste.training.precision import autocast

_PREFIX = "network."

#: Learning on takes so many epochs, at this part of the learning rate.
_EPOCHS_ON, _RATE_ON = 3, 0.5

Batch = TypeVar("Batch")


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


def fit_network(
    model: Recommender,
    network: nn.Module,
    *,
    batches: Callable[[int], Iterable[Batch]],
    loss: Callable[[Batch], Tensor],
    use: Callable[[], None],
    train: Dataset,
    validation: Targets | None,
) -> None:
    """Trains the network of a model by its `config.training` and `config.seed`.

    Early stopping is on the NDCG@10 of validation targets over the full catalogue.

    Args:
        model: Gets the learning curve, and ranks in validation.
        network: What to train.
        batches: Gives the batches of an epoch by its number, from 1.
        loss: Mean loss of a batch.
        use: Makes `model` answer by the network as it is; called at the end, too.
        train: What is learnt from; tells this training from others.
        validation: Without it there is no early stopping.
    """
    config = cast(_NetworkConfig, model.config)
    model.training_history = train_network(
        network,
        batches=batches,
        loss=loss,
        validate=None if validation is None else _validator(model, config, use, validation),
        config=config.training,
        seed=config.seed,
        checkpoint=_checkpoint(model, network, train, validation),
    )
    use()


def learn_on_network(
    model: Recommender,
    network: nn.Module,
    *,
    batches: Callable[[int], Iterable[Batch]],
    loss: Callable[[Batch], Tensor],
    use: Callable[[], None],
) -> None:
    """Trains the network of a model on from its weights: a few epochs, at a lower rate.

    The arguments are those of `fit_network`; `network` is a copy of the one that `model` answers
    by until this is done. There is no early stopping.
    """
    config = cast(_NetworkConfig, model.config)
    steps = {
        "epochs": min(_EPOCHS_ON, config.training.epochs),
        "learning_rate": _RATE_ON * config.training.learning_rate,
    }
    model.training_history = train_network(
        network,
        batches=batches,
        loss=loss,
        validate=None,
        config=config.training.model_copy(update=steps),
        seed=config.seed,
    )
    use()


def with_replay(news: NDArray[np.int64], histories: Ragged, seed: int) -> NDArray[np.int64]:
    """Rows of histories to learn on from: those with news, and as many others drawn at random.

    Learning from news alone forgets the rest; rehearsing a sample of it is the plainest remedy
    (Robins, 1995), and here the histories are at hand.

    Args:
        news: int64[n], rows.
        histories: All of them.
        seed: Of the draw, which is another as histories grow.
    """
    others = np.setdiff1d(np.flatnonzero(histories.lengths), news)
    rng = np.random.default_rng([seed, len(histories.values)])
    drawn = rng.choice(others, min(len(others), len(news)), replace=False)
    return np.sort(np.concatenate([news, drawn]))


class _NetworkConfig(Protocol):
    seed: int
    training: TrainingConfig


def _validator(
    model: Recommender, config: _NetworkConfig, use: Callable[[], None], targets: Targets
) -> Callable[[], float]:
    targets = targets.draw(config.training.validation_users, config.seed)

    def measure() -> float:
        use()
        with autocast(torch.device("cpu"), config.training.precision):
            return ndcg_on(model, targets)

    return measure


def _checkpoint(
    model: Recommender, network: nn.Module, train: Dataset, validation: Targets | None
) -> Checkpoint | None:
    """The file of this very training: these settings and fixed inputs on these data."""
    if model.checkpoints is None:
        return None
    told = [
        version("foretaste"),
        model.name,
        model.config.model_dump_json(),
        train.fingerprint,
        "" if validation is None else validation.fingerprint,
    ]
    digest = hashlib.sha256("\n".join(told).encode())
    # Text vectors, which an encoder of one's own may have made, and what the training starts from:
    # no setting tells of them.
    for value in network.state_dict().values():
        digest.update(value.numpy().tobytes())
    key = digest.hexdigest()
    return Checkpoint(model.checkpoints / f"{model.name}-{key[:16]}.safetensors", key)
