"""What reads items, what is done to its vectors, and what that costs in quality.

Text models made smaller, steps after the encoder, relations, and pictures beside words. Every
form is asked two questions on Beauty or ML-1M: the next item (leave-one-out, `warm`), and items
without any training event, ranked among the whole catalogue (item-cold, `cold`) and among
themselves (`cold_only`). The recommender is `content`, which learns nothing, so that what differs
is the vectors; `sequence` is trained on the forms that matter most. Whatever is learnt from texts,
pictures or relations is learnt without the items that are held out.

Texts a second are of the catalogue of Beauty, every form in turn with sentence-transformers in
fp32 in the same process, on as many threads: `speed` is how many times as many. The settings of
the forms were chosen on the validation targets of the item-cold split.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

import foretaste as ft
from figures import NDCG, Record, at_least, done, figure, median_figure
from foretaste.content import Encoder, ImageEncoder, SteppedEncoder, TextEncoder, item_texts
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
from foretaste.content.picture_pretraining import pretrain_pictures
from foretaste.data import Dataset, Split
from foretaste.data.relations import relations_of, with_relations
from foretaste.data.schema import ITEM_ID
from foretaste.evaluation.catalogue_map import map_catalogue
from foretaste.models import ContentBased, Recommender
from harness import Cell
from measuring import fit_and_evaluate, read

BEAUTY, ML_1M = "amazon-beauty", "ml-1m"
POSTERS = "ml-1m-posters"
COLD, WARM = "item-cold", "leave-one-out"
SEEDS = (0, 1, 2)
TEXT = "all-MiniLM-L6-v2"
BASE = "text"
TITLES = {BEAUTY: "Beauty", ML_1M: "ML-1M"}

#: The column whose values become triples (category paths, genres), and the text without it.
RELATION, ALONE = "categories", ("title",)

#: Texts whose encoding is timed, and how often.
TIMED, ROUNDS = 2048, 3


def student(source: str, texts: list[str], target: Path, *, layers: int) -> Path:
    """A distilled model, on unlabelled texts."""
    distil(source, texts, target, DistillationConfig(layers=layers))
    return target


def without_texts(compress: Callable[..., Path], **settings: Any) -> Callable[..., Path]:
    """A form that needs no texts, called as those that do."""
    return lambda source, _, target: compress(source, target, **settings)


def and_then(first: Callable[..., Path], second: Callable[..., Path]) -> Callable[..., Path]:
    """One form after the other."""

    def both(source: str, texts: list[str], target: Path) -> Path:
        between = first(source, texts, target.with_name(f"{target.name}-first"))
        return second(str(between), texts, target)

    return both


INT8 = without_texts(export_onnx, int8=True)
#: How a model becomes smaller: from the model, texts and the folder to be written, that folder.
COMPRESSED: dict[str, Callable[..., Path]] = {
    "onnx": without_texts(export_onnx),
    "int8": INT8,
    "neurons-25%-less": without_texts(prune_neurons, share=0.25),
    "heads-25%-less": without_texts(prune_heads, share=0.25),
    "distilled-3-layers": partial(student, layers=3),
    "distilled-4-layers-int8": and_then(partial(student, layers=4), INT8),
    "distilled-3-layers-int8": and_then(partial(student, layers=3), INT8),
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
SMALLEST = "distilled-3-layers-int8"
#: Those whose training is random and that a claim is made of.
SEEDED = (SMALLEST, "title+transe", *FUSED[1:])
#: Trained on by the sequence model, too.
SEQUENCE = {BEAUTY: (BASE, SMALLEST), ML_1M: (BASE, "text+image-gated")}


def cells() -> list[Cell]:
    """Forms on both splits, each with the recommender that learns nothing, some with sequence."""
    forms = {BEAUTY: (BASE, *COMPRESSED, *STEPS, *KNOWLEDGE), ML_1M: (BASE, *KNOWLEDGE, *FUSED)}
    content = [
        Cell(data=data, split=split, model=form, seed=seed)
        for data, names in forms.items()
        for form in names
        for seed in (SEEDS if form in SEEDED else SEEDS[:1])
        for split in (COLD, WARM)
    ]
    sequence = [
        Cell(data=data, split=COLD, model=f"sequence-{form}", seed=seed)
        for data, names in SEQUENCE.items()
        for form in names
        for seed in SEEDS
    ]
    return content + sequence


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Makes a form, recommends with it, and times it where it is a text model."""
    split = read(data / cell.data).split(cell.split)
    form = cell.model.removeprefix("sequence-")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        encoder, split = build(form, split, data, Path(folder), cell.seed)
        made = {"made_in_seconds": round(time.perf_counter() - started, 1)}
        if isinstance(encoder, TextEncoder) and cell.model in (BASE, *COMPRESSED):
            made |= speed(encoder, item_texts(split.train.items).to_list(), cell.seed)
        return made | fit_and_evaluate(model_of(cell, encoder), split, seed=cell.seed)


def model_of(cell: Cell, encoder: Encoder) -> Recommender:
    if cell.model.startswith("sequence-"):
        return ft.SequenceRecommender(content=encoder, seed=cell.seed)
    return ContentBased(content=encoder)


def build(form: str, split: Split, data: Path, folder: Path, seed: int) -> tuple[Encoder, Split]:
    """The encoder of a form, and the split whose items it reads.

    Args:
        form: A name in the lists above.
        split: Of the data.
        data: The folder of all data sets.
        folder: For what is made on the way.
        seed: Of what is learnt.
    """
    train, touched = split.train, touched_items(split.train)
    if form in COMPRESSED:
        texts = item_texts(touched).to_list()
        made = COMPRESSED[form](TEXT, texts, folder / "model")
        return TextEncoder(str(made), cache=None), split
    if form in STEPS:
        return SteppedEncoder(TextEncoder(), STEPS[form]).fit(touched), split
    if form in KNOWLEDGE:
        return related(form, split, seed)
    if form in FUSED:
        return fused(form, train, data / POSTERS, folder, seed), with_posters(split)
    return TextEncoder(), split


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


def fused(form: str, train: Dataset, posters: Path, folder: Path, seed: int) -> Encoder:
    """Posters through a network that was trained on them alone, by themselves or beside words."""
    train = with_posters_of(train)
    files = [posters / name for name in touched_items(train)["image"]]
    pretrain_pictures([file for file in files if file.exists()], folder / "vision")
    image = ImageEncoder(str(folder / "vision"), folder=posters, cache=folder / "vectors")
    if form == "image":
        return SteppedEncoder(image, ["centre", "normalise"]).fit(train.items)
    method = form.rpartition("-")[2]
    return FusedEncoder({"text": TextEncoder(), "image": image}, method=method, seed=seed).fit(
        train
    )


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

    from foretaste.content._weights import find_model

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


def draw_map(before: Encoder, after: Encoder, dataset: Dataset, path: Path) -> Path:
    """The catalogue as two encoders see it, the same items in the same colours."""
    return map_catalogue({"before": before, "after": after}, dataset.items, path, colour=RELATION)


def summary(records: list[Record]) -> dict[str, Any]:
    """Medians over seeds, by data set and form, warm beside cold."""
    found: dict[str, Any] = {}
    for data, title in TITLES.items():
        here = done(records, data=data)
        forms = list(dict.fromkeys(record["cell"]["model"] for record in here))
        rows = {form: _row(here, form) for form in forms}
        if rows:
            found[f"{title}: forms"] = rows
    return found


def _row(records: list[Record], form: str) -> dict[str, Any]:
    cold, warm = (done(records, model=form, split=split) for split in (COLD, WARM))
    row: dict[str, Any] = {"seeds": len(cold or warm)}
    for group in ("cold", "cold_only"):
        row[f"{group} {NDCG}"] = _median(figure(r, group=group) for r in cold)
    row[f"warm {NDCG}"] = _median(figure(r) for r in warm)
    timed = [r for r in cold + warm if "speed" in r]
    for key in ("texts_per_second", "speed", "size_mib"):
        row[key.replace("_", " ")] = _median((r[key] for r in timed), 2)
    row["made in seconds"] = _median((r["made_in_seconds"] for r in cold + warm), 1)
    return row


def _median(values: Any, digits: int = 4) -> float | None:
    values = list(values)
    return round(median(values), digits) if values else None


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """Four times the texts a second with 98% of the quality, by at least one form."""
    base = median_figure(records, group="cold", data=BEAUTY, split=COLD, model=BASE)
    found = []
    best: tuple[float, str] | None = None
    for form in COMPRESSED:
        kept = median_figure(records, group="cold", data=BEAUTY, split=COLD, model=form)
        times = _median(
            r["speed"] for r in done(records, data=BEAUTY, split=COLD, model=form) if "speed" in r
        )
        if base and kept and times and kept >= 0.98 * base:
            best = max(best or (0.0, ""), (times, form))
    name = "Beauty, fastest form that keeps 98% of cold NDCG@10: times sentence-transformers fp32"
    found.append(at_least(f"{name} ({best[1]})" if best else name, 4.0, best[0] if best else None))
    text = median_figure(records, group="cold", data=ML_1M, split=COLD, model=BASE)
    pictured = [
        median_figure(records, group="cold", data=ML_1M, split=COLD, model=form)
        for form in FUSED[1:]
    ]
    most = max((value for value in pictured if value is not None), default=None)
    found.append(at_least(f"ML-1M, text and image ahead of text: cold {NDCG}", text or 0.0, most))
    return found
