"""Foretaste: a recommender that learns from behaviour and from the words of items.

    import foretaste as ft

    data = ft.read("my-data/")
    split = data.split("temporal")
    model = ft.SequenceRecommender(content=ft.TextEncoder(), seed=0)
    model.fit(split.train, validation=split.validation)
    print(ft.evaluate(model, split))

Names are imported when they are first used, so that ``import foretaste`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretaste.artifacts import load, save
    from foretaste.content import AudioEncoder, ImageEncoder, TextEncoder
    from foretaste.content.fusion import FusedEncoder
    from foretaste.data import Dataset, clean, read
    from foretaste.evaluation import evaluate
    from foretaste.models import (
        ALS,
        BPR,
        EASE,
        BERT4Rec,
        CL4SRec,
        ContentBased,
        DuoRec,
        GRU4Rec,
        ItemKNN,
        LightGCN,
        LRURec,
        NeuralCF,
        Newcomers,
        NextAction,
        NextItNet,
        Popularity,
        SequenceRecommender,
        StackingHybrid,
        SVDPlusPlus,
        SwitchingHybrid,
        TfIdf,
        TwoTower,
        UserKNN,
        WeightedHybrid,
    )
    from foretaste.models.interest import InterestModel

    __version__: str

__all__ = [
    "ALS",
    "BPR",
    "EASE",
    "AudioEncoder",
    "BERT4Rec",
    "CL4SRec",
    "ContentBased",
    "Dataset",
    "DuoRec",
    "FusedEncoder",
    "GRU4Rec",
    "ImageEncoder",
    "InterestModel",
    "ItemKNN",
    "LRURec",
    "LightGCN",
    "NeuralCF",
    "Newcomers",
    "NextAction",
    "NextItNet",
    "Popularity",
    "SVDPlusPlus",
    "SequenceRecommender",
    "StackingHybrid",
    "SwitchingHybrid",
    "TextEncoder",
    "TfIdf",
    "TwoTower",
    "UserKNN",
    "WeightedHybrid",
    "__version__",
    "clean",
    "evaluate",
    "load",
    "read",
    "save",
]

_HOME_OF = dict.fromkeys(__all__, "foretaste.models") | {
    "AudioEncoder": "foretaste.content",
    "Dataset": "foretaste.data",
    "FusedEncoder": "foretaste.content.fusion",
    "ImageEncoder": "foretaste.content",
    "InterestModel": "foretaste.models.interest",
    "TextEncoder": "foretaste.content",
    "clean": "foretaste.data",
    "evaluate": "foretaste.evaluation",
    "load": "foretaste.artifacts",
    "read": "foretaste.data",
    "save": "foretaste.artifacts",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("foretaste")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'foretaste' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
