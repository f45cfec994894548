"""Recommenders, and the contract they share.

Each is imported when it is first used: a network library is not loaded to count popularity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretaste.models.answering import Ranking
    from foretaste.models.base import ModelState, Recommender
    from foretaste.models.content_based import ContentBased, TfIdf
    from foretaste.models.ease import EASE
    from foretaste.models.factorisation import ALS, BPR
    from foretaste.models.graph import LightGCN
    from foretaste.models.hybrid import StackingHybrid, SwitchingHybrid, WeightedHybrid
    from foretaste.models.neighbours import ItemKNN
    from foretaste.models.neural import NeuralCF
    from foretaste.models.newcomers import Newcomers
    from foretaste.models.popularity import Popularity
    from foretaste.models.ratings import SVDPlusPlus
    from foretaste.models.sequence import (
        BERT4Rec,
        CL4SRec,
        DuoRec,
        GRU4Rec,
        LRURec,
        NextAction,
        NextItNet,
        SequenceRecommender,
    )
    from foretaste.models.two_tower import TwoTower
    from foretaste.models.user_neighbours import UserKNN
    from foretaste.models.vectors import ByVectors

__all__ = [
    "ALS",
    "BPR",
    "EASE",
    "MODELS",
    "BERT4Rec",
    "ByVectors",
    "CL4SRec",
    "ContentBased",
    "DuoRec",
    "GRU4Rec",
    "ItemKNN",
    "LRURec",
    "LightGCN",
    "ModelState",
    "NeuralCF",
    "Newcomers",
    "NextAction",
    "NextItNet",
    "Popularity",
    "Ranking",
    "Recommender",
    "SVDPlusPlus",
    "SequenceRecommender",
    "StackingHybrid",
    "SwitchingHybrid",
    "TfIdf",
    "TwoTower",
    "UserKNN",
    "WeightedHybrid",
]

_HOMES = {
    "ALS": "factorisation",
    "BPR": "factorisation",
    "ByVectors": "vectors",
    "ContentBased": "content_based",
    "EASE": "ease",
    "ItemKNN": "neighbours",
    "LightGCN": "graph",
    "ModelState": "base",
    "NeuralCF": "neural",
    "Newcomers": "newcomers",
    "Popularity": "popularity",
    "Ranking": "answering",
    "Recommender": "base",
    "SVDPlusPlus": "ratings",
    "SequenceRecommender": "sequence",
    "BERT4Rec": "sequence",
    "CL4SRec": "sequence",
    "DuoRec": "sequence",
    "GRU4Rec": "sequence",
    "LRURec": "sequence",
    "NextAction": "sequence",
    "NextItNet": "sequence",
    "StackingHybrid": "hybrid",
    "SwitchingHybrid": "hybrid",
    "TfIdf": "content_based",
    "TwoTower": "two_tower",
    "UserKNN": "user_neighbours",
    "WeightedHybrid": "hybrid",
}

_CLASS_OF = {
    "popularity": "Popularity",
    "itemknn": "ItemKNN",
    "userknn": "UserKNN",
    "als": "ALS",
    "bpr": "BPR",
    "ease": "EASE",
    "svdpp": "SVDPlusPlus",
    "neuralcf": "NeuralCF",
    "lightgcn": "LightGCN",
    "content": "ContentBased",
    "tfidf": "TfIdf",
    "two_tower": "TwoTower",
    "sequence": "SequenceRecommender",
    "gru4rec": "GRU4Rec",
    "nextitnet": "NextItNet",
    "lrurec": "LRURec",
    "bert4rec": "BERT4Rec",
    "cl4srec": "CL4SRec",
    "duorec": "DuoRec",
    "next_action": "NextAction",
    "weighted": "WeightedHybrid",
    "switching": "SwitchingHybrid",
    "hybrid": "StackingHybrid",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Models(Mapping[str, "type[Recommender]"]):
    """Classes by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> type[Recommender]:
        return __getattr__(_CLASS_OF[name])

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASS_OF)

    def __len__(self) -> int:
        return len(_CLASS_OF)

    def __contains__(self, name: object) -> bool:
        return name in _CLASS_OF


#: Every recommender by the name it has in configurations and run folders.
MODELS: Mapping[str, type[Recommender]] = _Models()
