"""A sequence model that goes on in another shop."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from foretaste.content.projection import Projection
from foretaste.data import Dataset
from foretaste.errors import InputError
from foretaste.models.base import ModelState
from foretaste.models.known import Known
from foretaste.models.sequence.model import BORROWED, SequenceRecommender

_BASE, _CORRECTION = "network.table.base", "network.table.correction"
_MEAN, _COMPONENTS = "projection.mean", "projection.components"


def transferred(source: SequenceRecommender, train: Dataset) -> SequenceRecommender:
    """The same model among the people and items of another data set, without learning from it.

    The words of the new items are read as those of the old ones were, and the backbone is the
    same. A new item borrows the correction of the old ones that read like it, whatever its id: what
    comes after what is told in corrected vectors. To learn on from there for some epochs::

        model = SequenceRecommender(source.config).fit(train, start_from=transferred(source, train))

    Args:
        source: Fitted with content.
        train: Events and catalogue of the other shop.

    Raises:
        InputError: The source reads no words, or its encoder is gone or has changed.
        DataError: The new items have no words where the encoder looks for them.
    """
    state = source.state()
    if _MEAN not in state.tensors:
        raise InputError(
            "a model that reads no words knows nothing of another shop's items.",
            field="content",
            hint="Fit it with content, as in SequenceRecommender(content=TextEncoder()).",
        )
    reading = Projection(state.tensors[_MEAN], state.tensors[_COMPONENTS])
    base = reading.apply(source.content.encode(train.items))
    known = Known.of(train)
    # What its own untouched items borrowed means nothing here.
    tensors = {name: value for name, value in state.tensors.items() if name != BORROWED}
    tensors |= known.tensors()
    tensors |= {_BASE: _padded(base), _CORRECTION: _padded(_borrowed(source, base))}
    model = type(source).from_state(ModelState(state.settings, tensors, known.tables()))
    if source.content.encoder is not None:
        model.content.encoder = source.content.encoder
    return model


def _borrowed(source: SequenceRecommender, base: NDArray[np.float32]) -> NDArray[np.float32]:
    """Corrections of new items, float32[n, dimension], from the source's that are alike."""
    table = copy.deepcopy(source.network.table)
    table.extend(torch.from_numpy(base), len(base))
    counts = torch.from_numpy(source.item_counts)
    with torch.no_grad():
        codes = torch.arange(len(counts), len(counts) + len(base))
        return table.borrowed(codes, counts).numpy() - base


def _padded(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(rows, ((1, 0), (0, 0)))
