"""Baselines of other libraries at the settings of ours: do both rank alike?

A person's actions count alike here, as in the papers; our models weigh recent ones more by default,
which is a choice of ours and not what is checked. `otherwise` says what else is done in another way
on purpose, as the code of both says it; no experiment shows that it makes the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from peers.catalogue import Peer

_NUMPY_1, _NUMPY_2 = "numpy-1", "numpy-2"
_SAME = "those of ours"


@dataclass(frozen=True)
class Check:
    """A model of ours and its counterpart.

    Attributes:
        model: Name in `foretaste.models.MODELS`.
        settings: Of ours, where they are not its defaults.
        peer: The counterpart.
        otherwise: What ours does in another way on purpose, if anything.
    """

    model: str
    peer: Peer
    settings: dict[str, Any] = field(default_factory=dict)
    otherwise: str = ""


def _rectools(model: str, arguments: dict[str, Any] | None = None) -> Peer:
    return Peer("rectools", _NUMPY_1, _SAME, {"model": model, "arguments": arguments or {}})


def _recbole(model: str, arguments: dict[str, Any]) -> Peer:
    training = {"epochs": 60, "train_batch_size": 2048, "stopping_step": 5}
    return Peer(
        "recbole", _NUMPY_1, _SAME, {"model": model, "arguments": {**training, **arguments}}
    )


_ALIKE: dict[str, Any] = {"half_life": None}

CHECKS: dict[str, Check] = {
    "popularity": Check("popularity", _rectools("Popular")),
    "itemknn-cosine": Check(
        "itemknn",
        _rectools("ItemKNN", {"K": 101, "weighting": "Cosine"}),
        {**_ALIKE, "neighbours": 100, "shrinkage": 0},
    ),
    "itemknn-tfidf": Check(
        "itemknn",
        _rectools("ItemKNN", {"K": 101, "weighting": "TFIDF"}),
        {**_ALIKE, "neighbours": 100, "shrinkage": 0, "weighting": "tfidf"},
    ),
    "itemknn-bm25": Check(
        "itemknn",
        _rectools("ItemKNN", {"K": 101, "weighting": "BM25"}),
        {**_ALIKE, "neighbours": 100, "shrinkage": 0, "weighting": "bm25"},
    ),
    "userknn": Check(
        "userknn",
        Peer(
            "lenskit",
            _NUMPY_2,
            _SAME,
            {"model": "UserKNN", "arguments": {"max_nbrs": 100, "feedback": "implicit"}},
        ),
        {**_ALIKE, "neighbours": 100, "shrinkage": 0},
        "LensKit takes the 100 nearest of those who acted on the item, ours the 100 nearest of all",
    ),
    "ease": Check("ease", _rectools("EASE", {"regularization": 300.0}), _ALIKE),
    "als": Check(
        "als",
        Peer(
            "implicit",
            _NUMPY_2,
            _SAME,
            {
                "model": "ALS",
                "arguments": {
                    "factors": 64,
                    "regularization": 1.0,
                    "alpha": 11.0,
                    "iterations": 15,
                },
            },
        ),
        {**_ALIKE, "alpha": 10.0},
    ),
    "bpr": Check(
        "bpr",
        Peer(
            "implicit",
            _NUMPY_2,
            _SAME,
            {
                "model": "BPR",
                "arguments": {
                    "factors": 64,
                    "learning_rate": 0.05,
                    "regularization": 0.01,
                    "iterations": 100,
                },
            },
        ),
        _ALIKE,
        "ours answers by the mean vector of the history, implicit by the vector learnt for the "
        "person",
    ),
    "neuralcf": Check(
        "neuralcf",
        _recbole(
            "NeuMF",
            {
                "mf_embedding_size": 64,
                "mlp_embedding_size": 64,
                "mlp_hidden_size": [32, 16],
                "dropout_prob": 0.0,
                "learning_rate": 0.002,
            },
        ),
        _ALIKE,
        "ours learns by cross-entropy over shared negatives and answers by the mean vector of the "
        "history; RecBole's by yes or no to single negatives, and by a vector of the person",
    ),
    "lightgcn": Check(
        "lightgcn",
        _recbole(
            "LightGCN",
            {
                "embedding_size": 64,
                "n_layers": 2,
                "reg_weight": 1e-4,
                "learning_rate": 0.005,
                "require_pow": True,
            },
        ),
        _ALIKE
        | {
            "training": {
                "epochs": 60,
                "patience": 10,
                "batch_tokens": 2048,
                "learning_rate": 0.005,
            }
        },
        "ours answers by what spreads from the history, RecBole's adds the vector of the person",
    ),
}
