"""A sequence model that goes on in another shop."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foretaste.content.projection import Projection
from foretaste.data import Dataset, Targets
from foretaste.errors import InputError
from foretaste.models._validation import best_of
from foretaste.models.base import ModelState
from foretaste.models.known import Known
from foretaste.models.sequence.backbones import build_backbone
from foretaste.models.sequence.item_table import MOST_LENDERS
from foretaste.models.sequence.model import BORROWED, SequenceRecommender
from foretaste.models.sequence.start import share_items
from foretaste.training import seeded

_BASE, _CORRECTION = "network.table.base", "network.table.correction"
_MEAN, _COMPONENTS = "projection.mean", "projection.components"
_HEAD = "head."

#: Parts of what the source adds to likeness that are tried; the first is taken without events.
_TRUSTS = (0.5, 0.25, 0.0, 1.0)

#: How fast what an item lends fades with the likeness of words (a power): items that read alike,
#: but not the same, do better without, on the validation targets of generated shops.
_FADES = 16
_BLOCK = 1024

#: So many items that share an id are read to see whether they are the same, and how alike the
#: middle one of them must be: different items have about 0, those whose words stayed have 1.
_COMPARED = 512
_SAME = 0.5


def transferred(
    source: SequenceRecommender, train: Dataset, *, trust: float | None = None
) -> SequenceRecommender:
    """The same model among the people and items of another data set, without learning from it.

    New items are read in coordinates of their own, which tell them apart best, turned so that they
    mean what the source knows (`Projection.turned_towards`). Of the backbone's answers, likeness to
    the history holds as it is, and what the source has learnt to add to it by `trust`. An item
    whose words are those of an item of the source has its correction, whatever its id. To learn on
    from there for some epochs::

        model = SequenceRecommender(source.config).fit(train, start_from=transferred(source, train))

    Args:
        source: Fitted with content.
        train: Events and catalogue of the other shop.
        trust: From 0 to 1; 1 is for shops in which the same follows on the same, and 0 takes
            nothing of the backbone, so that learning begins as from nothing. By default it is what
            foresees best the last actions in `train` from those before, and one half, which did
            best between generated shops, where nobody has two.

    Raises:
        InputError: The source reads no words, its encoder is gone or has changed, or `trust` is
            not in its range.
        DataError: The new items have no words where the encoder looks for them.
    """
    if trust is not None and not 0 <= trust <= 1:
        raise InputError(f"trust is from 0 to 1, not {trust}.", field="trust")
    state = source.state()
    if _MEAN not in state.tensors:
        raise InputError(
            "a model that reads no words knows nothing of another shop's items.",
            field="content",
            hint="Fit it with content, as in SequenceRecommender(content=TextEncoder()).",
        )
    told = Projection(state.tensors[_MEAN], state.tensors[_COMPONENTS])
    vectors = source.content.encode(train.items)
    settings = source.config
    reading = Projection.fit(vectors, settings.dimension, whitening=settings.whitening)
    reading = reading.turned_towards(told, vectors)
    known = Known.of(train)
    # What its own untouched items borrowed means nothing here.
    tensors = {name: value for name, value in state.tensors.items() if name != BORROWED}
    tensors |= known.tensors() | {_MEAN: reading.mean, _COMPONENTS: reading.components}
    base = reading.apply(vectors)
    tensors |= {
        _BASE: _padded(base),
        _CORRECTION: _padded(_corrections(source, state.tensors[_BASE], base)),
    }
    model = type(source).from_state(ModelState(state.settings, tensors, known.tables()))
    if source.content.encoder is not None:
        model.content.encoder = source.content.encoder
    _believe(model, _TRUSTS if trust is None else (trust,), _last_actions(train))
    return model


def _believe(model: SequenceRecommender, trusts: Sequence[float], asked: Targets) -> None:
    """Scales what the backbone adds to likeness, by what ranks some targets best."""
    backbone = model.network.backbone
    learnt = copy.deepcopy(backbone.state_dict())
    with seeded(model.config.seed):
        untaught = build_backbone(model.config.for_events(len(asked))).state_dict()

    def use(trust: float) -> None:
        told = {n: trust * v if n.startswith(_HEAD) else v for n, v in learnt.items()}
        backbone.load_state_dict(told if trust else untaught)

    best_of(trusts, model, use, asked)


def _last_actions(train: Dataset) -> Targets:
    """What everybody did last, to be foreseen from what they did before."""
    histories = train.histories()
    people = np.flatnonzero(histories.lengths >= 2)
    histories = histories.take(people)
    before = histories.lengths - 1
    starts = histories.offsets[:-1]
    return Targets(
        (people + 1).astype(np.int32),
        histories.cut(starts, before),
        histories.cut(starts + before, np.ones(len(people), np.int64)),
    )


def is_another_shop(source: SequenceRecommender, train: Dataset) -> bool:
    """Whether `train` has other items than those that `source` knows.

    They are others if no id is in both, or if those that are, such as numbers that every shop
    counts its items by, stand for items that read differently.

    Args:
        source: A fitted model; of one that reads no words only ids are compared.
        train: Events and catalogue.

    Raises:
        InputError: The source's encoder is gone or has changed.
        DataError: The items have no words where the encoder looks for them.
    """
    if not share_items(source.item_vocabulary, train.item_vocabulary):
        return True
    tensors = source.state().tensors
    if _MEAN not in tensors:
        return False
    codes = source.item_vocabulary.encode(train.item_vocabulary.ids)
    rows = np.flatnonzero(codes)
    rows = rows[:: -(-len(rows) // _COMPARED)]
    told = Projection(tensors[_MEAN], tensors[_COMPONENTS])
    read = told.apply(source.content.encode(train.items[rows]))
    alike = (read * tensors[_BASE][codes[rows]]).sum(axis=1)
    return bool(np.median(alike) < _SAME)


def _corrections(
    source: SequenceRecommender, words: NDArray[np.float32], base: NDArray[np.float32]
) -> NDArray[np.float32]:
    """float32[n, dimension]: means of what the source has for items that read the same.

    A kernel mean (Nadaraya & Watson, 1964) drawn to zero as by one item without any correction.

    Args:
        source: Of the corrections.
        words: float32[items + 1, dimension], how the source reads its own items.
        base: float32[n, dimension], how the new ones are read.
    """
    counts = source.item_counts
    lenders = np.argsort(-counts, kind="stable")[:MOST_LENDERS]
    lenders = lenders[counts[lenders] > 0]
    theirs = words[lenders]
    learnt = source.item_vectors[lenders] - theirs
    found = np.empty_like(base)
    for start in range(0, len(base), _BLOCK):
        rows = slice(start, start + _BLOCK)
        near = np.maximum(base[rows] @ theirs.T, 0) ** _FADES
        found[rows] = near @ learnt / (1 + near.sum(axis=1, keepdims=True))
    return found


def _padded(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(rows, ((1, 0), (0, 0)))
