"""Which peers there are, and the settings each is run with.

Where a library's makers publish settings for a data set, those are used; where they publish a
default only, that. Every source is named. All see what our model without text sees: who acted on
what in which order, never the time of the target.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ML_1M, BEAUTY = "ml-1m", "amazon-beauty"


@dataclass(frozen=True)
class Peer:
    """A model of another library.

    Attributes:
        library: Trained by `run_{library}.py`.
        environment: In which the library is installed: see `environment.py`.
        source: Where its settings come from.
        settings: Of the runner; `arguments` go to the library as they are.
        for_data: Arguments that differ on a data set.
    """

    library: str
    environment: str
    source: str
    settings: dict[str, Any]
    for_data: dict[str, dict[str, Any]] = field(default_factory=dict)

    def settings_for(self, data: str) -> dict[str, Any]:
        """The settings on a data set."""
        arguments = self.settings["arguments"] | self.for_data.get(data, {})
        return self.settings | {"arguments": arguments}


_NUMPY_1, _NUMPY_2 = "numpy-1", "numpy-2"
_ESASREC = (
    "the table of hyperparameters of github.com/blondered/transformer_benchmark, by the makers of "
    "RecTools (Tikhonovich et al., eSASRec, RecSys 2025)"
)
_DEFAULTS = "RecTools' defaults, but for their 3 epochs: it stops early as its HSTU tutorial does"
_HSTU = (
    "RecTools' HSTU tutorial, without relative time attention, which reads the target's time; "
    "on Beauty with histories as long as eSASRec's there"
)
_RECBOLE = "RecBole's defaults of the model, with the training of its ml-1m_seq benchmark"

_RECTOOLS_TRAINING = {"layers": "own", "epochs": 100, "least_epochs": 10, "patience": 5}
_ESASREC_TRAINING = {"epochs": 200, "least_epochs": 1, "patience": 50}
_ESASREC_ARGUMENTS = {
    "n_factors": 64,
    "n_blocks": 2,
    "n_heads": 1,
    "dropout_rate": 0.1,
    "session_max_len": 200,
    "loss": "sampled_softmax",
    "n_negatives": 256,
    "lr": 0.001,
}
_ESASREC_ON_BEAUTY = {"n_blocks": 1, "dropout_rate": 0.2, "session_max_len": 50}
_HSTU_ARGUMENTS = {
    "relative_time_attention": False,
    "relative_pos_attention": True,
    "lightning_module_kwargs": {"logits_t": 0.05},
    "n_factors": 50,
    "n_blocks": 2,
    "n_heads": 1,
    "dropout_rate": 0.2,
    "session_max_len": 200,
    "loss": "sampled_softmax",
    "n_negatives": 128,
    "lr": 0.001,
}
_RECBOLE_ARGUMENTS = {
    "epochs": 500,
    "train_batch_size": 4096,
    "MAX_ITEM_LIST_LENGTH": 50,
    "stopping_step": 10,
    "loss_type": "CE",
    "train_neg_sample_args": None,
}

PEERS: dict[str, Peer] = {
    "rectools-sasrec": Peer(
        "rectools",
        _NUMPY_1,
        _ESASREC,
        {"model": "SASRec", "layers": "own", **_ESASREC_TRAINING, "arguments": _ESASREC_ARGUMENTS},
        {BEAUTY: _ESASREC_ON_BEAUTY},
    ),
    "rectools-esasrec": Peer(
        "rectools",
        _NUMPY_1,
        _ESASREC,
        {
            "model": "SASRec",
            "layers": "LiGR",
            **_ESASREC_TRAINING,
            "arguments": {
                **_ESASREC_ARGUMENTS,
                "transformer_layers_kwargs": {"ff_factors_multiplier": 4},
                "use_key_padding_mask": True,
            },
        },
        {BEAUTY: _ESASREC_ON_BEAUTY},
    ),
    "rectools-sasrec-defaults": Peer(
        "rectools",
        _NUMPY_1,
        _DEFAULTS,
        {"model": "SASRec", **_RECTOOLS_TRAINING, "arguments": {}},
    ),
    "rectools-hstu": Peer(
        "rectools",
        _NUMPY_1,
        _HSTU,
        {"model": "HSTU", **_RECTOOLS_TRAINING, "arguments": _HSTU_ARGUMENTS},
        {BEAUTY: {"session_max_len": 50}},
    ),
    "rectools-hstu-defaults": Peer(
        "rectools",
        _NUMPY_1,
        f"{_DEFAULTS}; without relative time attention, which reads the target's time",
        {
            "model": "HSTU",
            **_RECTOOLS_TRAINING,
            "arguments": {"relative_time_attention": False},
        },
    ),
    "recbole-sasrec": Peer(
        "recbole", _NUMPY_1, _RECBOLE, {"model": "SASRec", "arguments": _RECBOLE_ARGUMENTS}
    ),
    "recbole-bert4rec": Peer(
        "recbole", _NUMPY_1, _RECBOLE, {"model": "BERT4Rec", "arguments": _RECBOLE_ARGUMENTS}
    ),
    "implicit-als": Peer(
        "implicit",
        _NUMPY_2,
        "those of our ALS",
        {
            "model": "ALS",
            "arguments": {"factors": 64, "regularization": 1.0, "alpha": 11.0, "iterations": 15},
        },
    ),
    "implicit-bpr": Peer("implicit", _NUMPY_2, "defaults", {"model": "BPR", "arguments": {}}),
    "lenskit-itemknn": Peer(
        "lenskit",
        _NUMPY_2,
        "defaults, for implicit feedback",
        {"model": "ItemKNN", "arguments": {"max_nbrs": 20, "feedback": "implicit"}},
    ),
    "lenskit-ease": Peer(
        "lenskit",
        _NUMPY_2,
        "the regularisation of Steck (2019) for MovieLens-20M",
        {"model": "EASE", "arguments": {"regularization": 500}},
    ),
    "cornac-bpr": Peer(
        "cornac",
        _NUMPY_2,
        "the example of BPR in Cornac's documentation",
        {
            "model": "BPR",
            "arguments": {"k": 10, "max_iter": 200, "learning_rate": 0.001, "lambda_reg": 0.01},
        },
    ),
}
