"""How a model's best items are found: by an index of their vectors, or by scoring them all."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from foretaste.errors import ConfigError
from foretaste.models import ByVectors, Recommender
from foretaste.ranking.index import IndexConfig, VectorIndex, build_index, fingerprint_of
from foretaste.ranking.index.inverted import faiss_package

#: People whose vectors an index is tuned with.
_ASKING = 1000


@dataclass(frozen=True)
class ItemSearch:
    """How the best items are found.

    Attributes:
        index: Of all items by their codes; None where the model scores every item.
        told: The same in a sentence.
    """

    index: VectorIndex | None
    told: str


def require_searchable(model: Recommender, config: IndexConfig | None) -> None:
    """Makes sure, before a model is fitted, that the index that is asked for can be built.

    Raises:
        ConfigError: The model does not score by vectors.
        MissingExtraError: FAISS is needed and not installed.
    """
    if config is None or config.kind == "auto":
        return
    if not isinstance(model, ByVectors):
        raise ConfigError(
            f"the scores of '{model.name}' are no products of vectors, which an index could find.",
            field="ranking.index.kind",
            hint="Choose auto, or a model such as sequence or als.",
        )
    if config.kind == "ivf":
        faiss_package()


def item_search(
    model: Recommender, config: IndexConfig | None, made: VectorIndex | None = None
) -> ItemSearch:
    """An index of a model's items, where it is asked for or there are many, or none.

    Args:
        model: A fitted recommender.
        config: None is never an index; "auto" one where the catalogue is larger than
            `exact_up_to`, the model scores by vectors and FAISS is installed.
        made: One that was built earlier with these settings. Items that it lacks are added to a
            copy of it: somebody may be searching it.

    Raises:
        ConfigError: An index is asked for, and the model does not score by vectors.
        InputError: The one that was made is of other vectors.
        MissingExtraError: An inverted index is asked for, and FAISS is not installed.
    """
    require_searchable(model, config)
    items = len(model.item_vocabulary)
    everything = f"'{model.name}' scores each of {items:,} items"
    if config is None:
        return ItemSearch(None, f"{everything}.")
    if config.kind == "auto" and items <= config.exact_up_to:
        return ItemSearch(None, f"{everything}: no more than exact_up_to.")
    if not isinstance(model, ByVectors):
        return ItemSearch(None, f"{everything}: its scores are no products of vectors.")
    if config.kind == "auto" and find_spec("faiss") is None:
        return ItemSearch(None, f"{everything}: the extra 'index' is not installed.")
    index = made if made is not None and made.config == config else None
    index = _built(model, config) if index is None else _completed(index, model)
    return ItemSearch(index, f"{items:,} vectors of '{model.name}' are searched by {index}.")


def _built(model: ByVectors, config: IndexConfig) -> VectorIndex:
    vectors = model.item_vectors
    codes = np.arange(1, len(vectors), dtype=np.int32)
    return build_index(codes, vectors[1:], config, queries=_asking(model, config.seed))


def _asking(model: ByVectors, seed: int) -> NDArray[np.float32] | None:
    """Vectors of people the model knows; None where it knows nobody."""
    told = np.flatnonzero(~model.answered_by_popularity(model.histories))
    if not len(told):
        return None
    some = np.random.default_rng(seed).permutation(told)[:_ASKING]
    return model.user_vectors(model.histories.take(np.sort(some)))


def _completed(index: VectorIndex, model: ByVectors) -> VectorIndex:
    """The index with the items that came since."""
    vectors = model.item_vectors
    index.require_vectors(vectors)
    codes = np.arange(1, len(vectors), dtype=np.int32)
    new = np.setdiff1d(codes, index.codes)
    if len(new):
        index = index.copied()
        index.add(new, vectors[new])
        index.fingerprint = fingerprint_of(codes, vectors[1:])
    return index
