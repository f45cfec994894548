"""What reads items, what is done to its vectors, and what that costs in quality.

Text models made smaller, steps after the encoder, relations, and pictures beside words. Every
form is asked two questions on Beauty or ML-1M: the next item (leave-one-out, `warm`), and items
without any training event, ranked among the whole catalogue (item-cold, `cold`) and among
themselves (`cold_only`). The recommender is `content`, which learns nothing, so that what differs
is the vectors; `sequence` reads the smallest model's for the next item (the words as they are:
`sequence-frozen` of `pretraining`). Whatever is learnt from texts, pictures or relations is learnt
without the items that are held out.

Texts a second are of the catalogue of Beauty, every form in turn with sentence-transformers in
fp32 in the same process, on as many threads: `speed` is how many times as many. Settings are the
defaults; none was chosen by these figures.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import foretaste as ft
from content_forms import COMPRESSED, FUSED, KNOWLEDGE, STEPS, build, speed
from figures import NDCG, Record, at_least, done, figure, median_figure
from foretaste.content import Encoder, TextEncoder, item_texts
from foretaste.models import ContentBased, Recommender
from harness import Cell
from measuring import fit_and_evaluate, read
from shelf import Shelf

BEAUTY, ML_1M = "amazon-beauty", "ml-1m"
COLD, WARM = "item-cold", "leave-one-out"
SEEDS = (0, 1, 2)
#: How the name of a form begins that the sequence model reads.
BY_SEQUENCE = "sequence-"
BASE = "text"
TITLES = {BEAUTY: "Beauty", ML_1M: "ML-1M"}

#: Its training is random, and a claim is made of it.
SMALLEST = "distilled-3-layers-int8"


def cells() -> list[Cell]:
    """Forms on both splits, with the recommender that learns nothing; one with sequence."""
    forms = {
        BEAUTY: (BASE, *COMPRESSED, *STEPS, *KNOWLEDGE),
        ML_1M: (BASE, *COMPRESSED, *KNOWLEDGE, *FUSED),
    }
    content = [
        Cell(data=data, split=split, model=form, seed=seed)
        for split in (COLD, WARM)
        for data, names in forms.items()
        for form in names
        for seed in (SEEDS if split == COLD and form == SMALLEST else SEEDS[:1])
    ]
    return [*content, Cell(data=BEAUTY, split=WARM, model=BY_SEQUENCE + SMALLEST, seed=0)]


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Makes a form, recommends with it, and times it where it is a text model."""
    split = read(data / cell.data).split(cell.split)
    form = cell.model.removeprefix(BY_SEQUENCE)
    with tempfile.TemporaryDirectory() as folder:
        started, shelf = time.perf_counter(), Shelf()
        encoder, split = build(form, split, data, Path(folder), shelf, cell.seed)
        seconds = time.perf_counter() - started + shelf.spared_seconds
        made: dict[str, Any] = {"made_in_seconds": round(seconds, 1)}
        timed = cell.data == BEAUTY and cell.split == COLD and cell.model in (BASE, *COMPRESSED)
        if timed and isinstance(encoder, TextEncoder):
            made |= speed(encoder, item_texts(split.train.items).to_list(), cell.seed)
        return made | fit_and_evaluate(model_of(cell, encoder), split, seed=cell.seed)


def model_of(cell: Cell, encoder: Encoder) -> Recommender:
    if cell.model.startswith(BY_SEQUENCE):
        return ft.SequenceRecommender(content=encoder, seed=cell.seed)
    return ContentBased(content=encoder, whitening=0, half_life=1)


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
