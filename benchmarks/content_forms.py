"""The forms of encoders that the study `content` compares, and how fast they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from foretaste.content import Encoder, ImageEncoder, SteppedEncoder, TextEncoder, item_texts
from foretaste.content._weights import find_model
from foretaste.content.compression import (
    DistillationConfig,
    distil,
    export_onnx,
    prune_heads,
    prune_neurons,
)
from foretaste.content.files import size_mib
from foretaste.content.fusion import FusedEncoder
from foretaste.content.knowledge import RelationEncoder
from foretaste.content.picture_pretraining import PicturePretrainingConfig, pretrain_pictures
from foretaste.data import Dataset, Split
from foretaste.data.relations import relations_of, with_relations
from foretaste.data.schema import ITEM_ID
from shelf import Shelf

POSTERS = "ml-1m-posters"
TEXT = "all-MiniLM-L6-v2"

#: The column whose values become triples (category paths, genres), and the text without it.
RELATION, ALONE = "categories", ("title",)

#: Texts whose encoding is timed, and how often.
TIMED, ROUNDS = 2048, 3


@dataclass(frozen=True)
class Made:
    """How a model becomes smaller: by training a student of so many layers, by `then`, or both."""

    layers: int | None = None
    then: Callable[[str, Path], Path] | None = None


INT8 = partial(export_onnx, int8=True)
COMPRESSED = {
    "onnx": Made(then=export_onnx),
    "int8": Made(then=INT8),
    "neurons-25%-less": Made(then=partial(prune_neurons, share=0.25)),
    "heads-25%-less": Made(then=partial(prune_heads, share=0.25)),
    "distilled-3-layers": Made(layers=3),
    "distilled-4-layers-int8": Made(layers=4, then=INT8),
    "distilled-3-layers-int8": Made(layers=3, then=INT8),
}
STEPS: dict[str, list[str]] = {
    "centre": ["centre", "normalise"],
    "pca-128": ["pca:128", "normalise"],
    "pca-64": ["pca:64", "normalise"],
    "pca-32": ["pca:32", "normalise"],
    "whiten-384": ["whiten", "normalise"],
    "whiten-128": ["whiten:128", "normalise"],
    "random-128": ["random:128", "normalise"],
    "truncate-128": ["truncate:128", "normalise"],
}
KNOWLEDGE = ("title", "title+relations-as-text", "title+smoothing", "title+transe")
FUSED = ("image", "text+image-concatenation", "text+image-gated", "text+image-attention")


def build(
    form: str, split: Split, data: Path, folder: Path, shelf: Shelf, seed: int
) -> tuple[Encoder, Split]:
    """The encoder of a form, and the split whose items it reads.

    Args:
        form: A name in the lists above.
        split: Of the data.
        data: The folder of all data sets.
        folder: For what is made on the way.
        shelf: For what other forms may read, too.
        seed: Of what is learnt.
    """
    if form in COMPRESSED:
        return TextEncoder(str(smaller(form, split, folder, shelf, seed)), cache=None), split
    if form in STEPS:
        return SteppedEncoder(TextEncoder(), STEPS[form]).fit(touched_items(split.train)), split
    if form in KNOWLEDGE:
        return related(form, split, seed)
    if form in FUSED:
        return fused(form, split, data / POSTERS, shelf, seed), with_posters(split)
    return TextEncoder(), split


def smaller(form: str, split: Split, folder: Path, shelf: Shelf, seed: int) -> Path:
    """The folder of a smaller model; students read the texts of items with training events."""
    how, source = COMPRESSED[form], TEXT
    if how.layers is not None:
        texts = item_texts(touched_items(split.train)).to_list()
        config = DistillationConfig(layers=how.layers, seed=seed)
        made_of = {"distilled": config.model_dump(mode="json"), "split": split.fingerprint}
        source = str(shelf.get(made_of, lambda target: _distil(texts, target, config))[0])
    return how.then(source, folder / "model") if how.then else Path(source)


def _distil(texts: list[str], target: Path, config: DistillationConfig) -> None:
    distil(TEXT, texts, target, config)


def touched_items(train: Dataset) -> pl.DataFrame:
    """Items with training events: the others are not known yet when something is learnt."""
    return train.items.filter(pl.Series(train.item_counts[1:] > 0))


def related(form: str, split: Split, seed: int) -> tuple[Encoder, Split]:
    """Titles alone, and with what the catalogue's columns say, in one of three ways."""
    title = TextEncoder(fields=ALONE)
    triples = relations_of(split.train.items, [RELATION])
    match form.partition("+")[2]:
        case "":
            return title, split
        case "relations-as-text":
            renamed = triples.with_columns(relation=pl.lit("related"))
            return (
                TextEncoder(fields=(*ALONE, "related")),
                with_items(split, with_relations(split.train.items, renamed)),
            )
        case method:
            encoder = RelationEncoder(title, triples, method=method, seed=seed)
            return encoder.fit(touched_items(split.train)), split


def fused(form: str, split: Split, posters: Path, shelf: Shelf, seed: int) -> Encoder:
    """Posters through a network that was trained on them alone, by themselves or beside words."""
    train = with_posters_of(split.train)
    named = [posters / name for name in touched_items(train)["image"]]
    files = [file for file in named if file.exists()]
    config = PicturePretrainingConfig(seed=seed)
    made_of = {"pictures": config.model_dump(mode="json"), "split": split.fingerprint}
    network = shelf.get(made_of, lambda target: _learn_pictures(files, target, config))[0]
    image = ImageEncoder(str(network), folder=posters)
    if form == "image":
        return SteppedEncoder(image, ["centre", "normalise"]).fit(touched_items(train))
    method = form.rpartition("-")[2]
    return FusedEncoder({"text": TextEncoder(), "image": image}, method=method, seed=seed).fit(
        train
    )


def _learn_pictures(files: list[Path], target: Path, config: PicturePretrainingConfig) -> None:
    pretrain_pictures(files, target, config)


def with_posters_of(train: Dataset) -> Dataset:
    named = train.items.with_columns(image=pl.format("{}.jpg", ITEM_ID))
    return replace(train, items=named)


def with_posters(split: Split) -> Split:
    """The split whose items name their posters."""
    return with_items(split, with_posters_of(split.train).items)


def with_items(split: Split, items: pl.DataFrame) -> Split:
    """The split over the same items, of which more is known."""
    return replace(split, train=replace(split.train, items=items))


def speed(encoder: TextEncoder, texts: list[str], seed: int) -> dict[str, Any]:
    """Texts a second of a form and of sentence-transformers in fp32, in turn, and sizes."""
    import torch
    from sentence_transformers import SentenceTransformer

    drawn = np.random.default_rng(seed).permutation(len(texts))[:TIMED]
    texts = [texts[row] for row in drawn]
    library = SentenceTransformer(str(find_model(TEXT)), device="cpu")
    uncached = encoder.without_cache()
    ways = {
        "sentence_transformers": lambda some: library.encode(some, show_progress_bar=False),
        "texts_per_second": uncached.encode_texts,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for encode in ways.values():
        encode(texts[:32])
    for _ in range(ROUNDS):
        for name, encode in ways.items():
            started = time.perf_counter()
            encode(texts)
            seconds[name].append(time.perf_counter() - started)
    rates = {name: round(len(texts) / median(taken), 1) for name, taken in seconds.items()}
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    return {
        **rates,
        "speed": round(median(ratios), 2),
        "threads": torch.get_num_threads(),
        "size_mib": round(size_mib(encoder.config.model), 1),
    }
