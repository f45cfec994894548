"""Pretraining: what a language model that knows the shop brings to new items, and what it costs.

The packaged MiniLM is trained further on the catalogue's words (mlm, sections, contrastive with
dropout or field views) or on training events (behaviour: in full, the last two layers, LoRA, IA3,
a prefix; or the last two layers under a small sequence model), and then read by `content`, which
learns nothing, so that what differs is the vectors; those that a claim is made of are also read by
`sequence`, with its own defaults. `frozen` is MiniLM as it is; `permuted` gives every item the
words of another; `scratch` starts from nothing; `+whitened` brings the vectors' principal
components to equal variance, as the training items have them. On the item-cold split a tenth of the
items has no training event: `cold` ranks the full catalogue, `cold_only` those items among
themselves. Words of items without events are read in pretraining, as a shop would; their events
never are. Steps bound what one training may take; validation figures are for choosing, those of the
tables are of the test targets. Seconds and memory are of pretraining alone. Three seeds of the one
that the claim is made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import foretaste as ft
from figures import NDCG, Record, at_least, done, figure, median_figure
from foretaste.content import TextEncoderConfig, item_texts
from foretaste.content.pretraining import PretrainingConfig, ScratchConfig
from foretaste.data import Split
from foretaste.models import Recommender
from foretaste.pipeline.pretraining import pretrain_on
from harness import Cell
from measuring import fit_and_evaluate, read
from shelf import Shelf
from studies.main_job import BEAUTY, ML_1M, SEEDS
from studies.quality import with_permuted_text

COLD, WARM = "item-cold", "leave-one-out"
FROZEN, PERMUTED = "frozen", "permuted"
_WORDS: dict[str, Any] = {"max_tokens": 48, "batch": 64, "epochs": 2}
_TASTE: dict[str, Any] = {
    "objective": "behaviour",
    "max_tokens": 48,
    "batch": 32,
    "epochs": 1,
    "steps": 120,
}
_FEW: dict[str, Any] = {"learning_rate": 5e-4}
#: On the catalogue's words alone.
SELF_SUPERVISED: dict[str, dict[str, Any]] = {
    "mlm": {**_WORDS, "objective": "mlm"},
    "sections": {**_WORDS, "objective": "sections"},
    "contrastive-dropout": {**_WORDS, "objective": "contrastive", "views": "dropout"},
    "contrastive-fields": {**_WORDS, "objective": "contrastive", "views": "fields"},
}
ON_BEHAVIOUR: dict[str, dict[str, Any]] = {
    "behaviour": _TASTE,
    "behaviour-last-layers": {**_TASTE, "method": "last-layers", "learning_rate": 1e-4},
    "behaviour-sequence-last-layers": {
        **_TASTE,
        "method": "last-layers",
        "tower": "sequence",
        "learning_rate": 1e-4,
    },
    "behaviour-lora": {**_TASTE, **_FEW, "method": "lora"},
    "behaviour-ia3": {**_TASTE, **_FEW, "method": "ia3", "learning_rate": 2e-3},
    "behaviour-prefix": {**_TASTE, **_FEW, "method": "prefix", "learning_rate": 2e-3},
}
SCRATCH = {"scratch": {**_WORDS, "objective": "mlm", "epochs": 10, "scratch": ScratchConfig()}}
TRAINED = SELF_SUPERVISED | ON_BEHAVIOUR | SCRATCH
#: How the name of an encoder ends whose vectors are whitened, which needs no labels either.
WHITENED = "+whitened"
#: The best of those tuned on behaviour, by validation targets, of which the claim is made.
CLAIMED = "behaviour"
ENCODERS = (FROZEN, FROZEN + WHITENED, PERMUTED, *TRAINED, CLAIMED + WHITENED)
#: On all questions of both data sets.
READ_ON_ALL = (
    FROZEN,
    FROZEN + WHITENED,
    PERMUTED,
    "mlm",
    "contrastive-dropout",
    "behaviour-lora",
    CLAIMED,
    CLAIMED + WHITENED,
)
#: How the name of an encoder begins that the sequence model reads.
BY_SEQUENCE = "sequence-"


def cells() -> list[Cell]:
    """All on new items of Beauty, the claimed one more often; the main ones on all questions."""
    cold = [
        Cell(data=BEAUTY, split=COLD, model=encoder, seed=seed)
        for encoder in ENCODERS
        for seed in (SEEDS if encoder == CLAIMED else SEEDS[:1])
    ]
    elsewhere = [
        Cell(data=data, split=split, model=encoder, seed=0)
        for data, split in ((BEAUTY, WARM), (ML_1M, COLD), (ML_1M, WARM))
        for encoder in READ_ON_ALL
    ]
    sequence = [
        Cell(data=BEAUTY, split=split, model=BY_SEQUENCE + encoder, seed=0)
        for split in (COLD, WARM)
        for encoder in (FROZEN, CLAIMED)
    ]
    return cold + elsewhere + sequence


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Trains one encoder and measures the model that reads it."""
    split = read(data / cell.data).split(cell.split)
    reads = cell.model.removeprefix(BY_SEQUENCE)
    name = reads.removesuffix(WHITENED)
    told, encoder = adapted(name, cell.seed, split)
    if name == PERMUTED:
        split = with_permuted_text(split, cell.seed)
    if reads == cell.model:
        settings = {"whitening": float(name != reads), "half_life": 1}
        model: Recommender = ft.ContentBased(content=encoder, **settings)
    else:
        model = ft.SequenceRecommender(content=encoder, seed=cell.seed)
    figures = fit_and_evaluate(model, split, seed=cell.seed)
    for_choosing = ft.evaluate(model, split, part="validation", resamples=100)
    groups = for_choosing.to_dict()["groups"]
    return figures | {"pretraining": told, "validation": groups["all"]["metrics"][NDCG]["value"]}


def adapted(name: str, seed: int, split: Split) -> tuple[dict[str, Any] | None, ft.TextEncoder]:
    """What pretraining tells of itself, and the encoder."""
    if name not in TRAINED:
        return None, ft.TextEncoder(cache=None)
    config = PretrainingConfig(**TRAINED[name], seed=seed)

    def learn(folder: Path) -> dict[str, Any]:
        return pretrain_on(split.train, folder, TextEncoderConfig(), config).to_dict()

    # Splits of one data set have the same words, which is all that other objectives see.
    events = split.fingerprint if config.objective == "behaviour" else None
    words = sha256("\n".join(item_texts(split.train.items)).encode()).hexdigest()
    made_of = {"pretrained": config.model_dump(mode="json"), "words": words, "events": events}
    folder, told = Shelf().get(made_of, learn)
    del told["folder"]
    told["settings"] = config.model_dump(mode="json")
    return told, ft.TextEncoder(str(folder), cache=None)


def summary(records: list[Record]) -> dict[str, Any]:
    """Medians over seeds, by data set, split, reader and encoder."""
    return {
        f"{data} {split}, read by {reader}": rows
        for data in (BEAUTY, ML_1M)
        for split in (COLD, WARM)
        for reader, prefix in (("content", ""), ("sequence", BY_SEQUENCE))
        if (
            rows := {
                encoder: row(found)
                for encoder in ENCODERS
                if (found := done(records, data=data, split=split, model=prefix + encoder))
            }
        )
    }


def row(found: list[Record]) -> dict[str, Any]:
    """One line of the table."""
    line: dict[str, Any] = {"seeds": len(found)}
    for group in found[0]["report"]["groups"]:
        line[f"{group} {NDCG}"] = round(median(figure(r, group=group) for r in found), 4)
    line["validation"] = round(median(r["validation"] for r in found), 4)
    costs = [r["pretraining"] for r in found if r["pretraining"]]
    if costs:
        line["trainable share"] = round(costs[0]["trainable"] / costs[0]["weights"], 4)
        line["seconds"] = median(cost["seconds"] for cost in costs)
        line["MiB"] = max(cost["peak_memory_mib"] for cost in costs)
    return line


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """New items are foreseen a tenth better than by the frozen encoder, and words count."""

    def cold(encoder: str) -> float | None:
        return median_figure(records, group="cold", data=BEAUTY, split=COLD, model=encoder)

    frozen = cold(FROZEN) or 0.0

    words_alone = (*SELF_SUPERVISED, FROZEN + WHITENED)

    def best(encoders: Iterable[str]) -> float | None:
        return max((value for name in encoders if (value := cold(name)) is not None), default=None)

    return [
        at_least(
            f"Beauty item-cold, read by content, best of {', '.join(words_alone)}: cold {NDCG}",
            1.1 * frozen,
            best(words_alone),
        ),
        at_least(
            f"Beauty item-cold, read by content, best of those tuned on behaviour: cold {NDCG}",
            1.1 * frozen,
            best(ON_BEHAVIOUR),
        ),
        at_least(
            f"Beauty item-cold, frozen over permuted words: cold {NDCG}",
            2 * (cold(PERMUTED) or 0.0),
            frozen,
        ),
    ]
