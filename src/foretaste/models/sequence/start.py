"""A training that starts from what another sequence model has learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from foretaste.data import Vocabulary
from foretaste.errors import InputError
from foretaste.models.sequence.network import SequenceNetwork

if TYPE_CHECKING:
    from foretaste.models.sequence.model import SequenceRecommender

#: Settings that decide the shape of the weights, or what they mean.
_SHAPE = ("backbone", "dimension", "layers", "heads")

_HINT = "Give both models the same settings, or start from nothing."


def check_start(model: SequenceRecommender, start: SequenceRecommender) -> None:
    """Refuses a start whose weights have another shape or meaning.

    Raises:
        InputError: A setting differs, only one of the models reads words, they read them with
            different encoders, or they have no item in common.
        NotFittedError: The start has learnt nothing.
    """
    for name in _SHAPE:
        ours, theirs = getattr(model.config, name), getattr(start.config, name)
        if ours != theirs:
            raise InputError(
                f"the model to start from has {name} {theirs}, not {ours}.", field=name, hint=_HINT
            )
    encoder = model.content.encoder
    if start.content.fingerprint != (None if encoder is None else encoder.fingerprint):
        raise InputError(
            "the model to start from reads items in another way.", field="content", hint=_HINT
        )
    if not share_items(model.item_vocabulary, start.item_vocabulary):
        raise InputError(
            "the model to start from has no item in common with the data.",
            field="item_id",
            hint="Items are the same where their ids are, as the same type; from another shop, "
            "start from what `transferred` makes of the model.",
        )


def share_items(one: Vocabulary, other: Vocabulary) -> bool:
    """Whether an id of one is an id of the other, as the same type."""
    return one.ids.dtype == other.ids.dtype and bool(one.ids.is_in(other.ids.implode()).any())


def carry_over(
    network: SequenceNetwork, model: SequenceRecommender, start: SequenceRecommender
) -> None:
    """Gives `network` the backbone of `start`, and the corrections of the items both know."""
    learnt = start.network
    network.backbone.load_state_dict(learnt.backbone.state_dict())
    codes = start.item_vocabulary.encode(model.item_vocabulary.ids)
    shared = torch.from_numpy(np.flatnonzero(codes))
    with torch.no_grad():
        from_codes = torch.from_numpy(codes[codes > 0]).long()
        network.table.correction[shared + 1] = learnt.table.correction[from_codes]
