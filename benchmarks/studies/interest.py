"""How likely somebody is to act on an item: three ways to ask, every body, context and imbalance.

On the ML-1M click task of the CoLLM paper (label: rating above 3; divided in time as published) a
model is asked about the test pairs with histories of training rows only, with those of training
and validation rows, and streaming, where each earlier test row is known, too; nothing that came
after a pair's own time is ever used. In the first, models learn from training rows only; in the
others they learn again from training and validation rows, with the settings that validation found.
Settings were chosen on validation rows only. The past tells how many stars were given, from which
the labels are made; `trees without stars` see the labels alone, as the published models did, and
`trees without words` read no word of any item. AUC is over all pairs, UAUC the mean over the people
who have both labels.

On ML-1M (600 people, rating above 3, divided in time) and the generated shop (is what was looked
at put into the cart) every body reads the same features; `language` reads 10,000 pairs as text,
once. On the shop, whether what is in the cart is bought depends on the device in a known way:
`truth` ranks by the true probabilities, with the device and without. What becomes of rare labels
is measured on purchases after looks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.special import expit

import foretaste as ft
from figures import Record, at_least, done
from foretaste.data import Dataset
from foretaste.data._shop_people import DEVICES
from foretaste.data._shop_visits import BUY_BASE, BUY_ON_DEVICE, BUY_SLOPE
from foretaste.data.schema import LABEL
from foretaste.data.shop import Shop, ShopConfig, generate
from foretaste.evaluation.interest import evaluate_interest, figures
from foretaste.memory import peak_memory_mib
from foretaste.models.interest import InterestModel, Parts, QuestionConfig, divide, labelled
from foretaste.models.interest.bodies import BODIES
from harness import Cell, cpu_seconds

CTR, ML_1M, SHOP = "ml-1m-ctr", "ml-1m", "shop"
SEEDS = (0, 1, 2)
PEOPLE = 600
BEST = "trees"
TRAINING_ONLY, REFIT = "training rows only", "refit"
CARTS, PURCHASES, RARE = "carts", "purchases", "rare"
TRUTH, BLIND_TRUTH = "truth", "truth without device"
WITHOUT_CONTEXT, WITHOUT_STARS = "trees without context", "trees without stars"
WITHOUT_WORDS = "trees without words"
LANGUAGE = "language"
BALANCING = ("none", "weights", "oversample", "undersample", "smote", "downsample", "focal")
#: What a shop is asked: the event that asks, and the one that answers.
QUESTIONS = {CARTS: ("view", "cart"), PURCHASES: ("cart", "purchase"), RARE: ("view", "purchase")}
SHOWN = ("auc", "uauc", "gauc", "log_loss", "ece")
#: Wanted on the click task: what may be known, figure, value.
WANTED = (("validation", "auc", 0.765), ("streaming", "auc", 0.80), ("validation", "uauc", 0.715))
MINUTES = 15
_COLLM, _BINLLM = "Zhang et al., CoLLM (arXiv 2310.19488)", "Zhang et al., BinLLM (ACL 2024)"
#: On the click task: model, AUC, UAUC, where it was published.
PUBLISHED = (
    ("MF", 0.648, 0.636, _COLLM),
    ("SASRec", 0.708, 0.688, _COLLM),
    ("DIN", 0.717, 0.646, _COLLM),
    ("TALLRec (7B)", 0.710, 0.682, _COLLM),
    ("CoLLM of best AUC (7B)", 0.735, 0.692, _COLLM),
    ("CoLLM of best UAUC (7B)", 0.724, 0.699, _COLLM),
    ("BinLLM (7B)", 0.7425, 0.696, _BINLLM),
)


def cells() -> list[Cell]:
    """The click task on three seeds, then everything else on one."""
    click = [
        Cell(data=CTR, split=split, model=model, seed=seed)
        for model in (BEST, WITHOUT_STARS, WITHOUT_WORDS)
        for split in (TRAINING_ONLY, REFIT)
        for seed in SEEDS
    ]
    bodies = [
        Cell(data=data, split=split, model=body, seed=0)
        for data, split in ((CTR, REFIT), (ML_1M, "temporal"), (SHOP, CARTS))
        for body in BODIES
        if (data, body) != (CTR, BEST)
    ]
    context = ("trees", WITHOUT_CONTEXT, TRUTH, BLIND_TRUTH)
    rest = [Cell(data=SHOP, split=PURCHASES, model=model, seed=0) for model in context]
    rest += [Cell(data=SHOP, split=RARE, model=f"mlp, {kind}", seed=0) for kind in BALANCING]
    return click + bodies + rest


@dataclass(frozen=True)
class Question:
    """Labelled pairs, and the shop they come from, if any."""

    parts: Parts
    shop: Shop | None = None


def measure(cell: Cell, data: Path) -> dict[str, Any]:
    """Fits one model and measures it, or measures the truth."""
    question = ask(cell, data)
    if cell.model in (TRUTH, BLIND_TRUTH):
        return {"histories": {"truth": truth(question, device=cell.model == TRUTH)}}
    model = build(cell)
    started, cpu = time.perf_counter(), cpu_seconds()
    model.fit(question.parts.train, question.parts.validation)
    fitted = {
        "fit_seconds": round(time.perf_counter() - started, 1),
        "fit_cpu_seconds": round(cpu_seconds() - cpu, 1),
        "fit_peak_memory_mib": peak_memory_mib(),
    }
    histories = ("train",) if cell.split == TRAINING_ONLY else ("validation", "streaming")
    report = evaluate_interest(model, question.parts, histories=histories)
    return {
        "settings": model.config.model_dump(mode="json"),
        "split_fingerprint": question.parts.fingerprint,
        **fitted,
        "histories": report.histories,
    }


def build(cell: Cell) -> InterestModel:
    """The model of a cell, not yet fitted."""
    name, _, balancing = cell.model.partition(", ")
    name = name.partition(" without ")[0]
    settings: dict[str, Any] = {
        "seed": cell.seed,
        "refit": cell.split != TRAINING_ONLY,
        "question": question_of(cell),
    }
    if cell.model == WITHOUT_CONTEXT:
        settings["features"] = {"context": (), "moment": False}
    elif cell.data != SHOP:
        settings["features"] = {"context": ()}  # Nothing but ratings, which are what is asked.
    if name == LANGUAGE:
        settings["body"] = {"language": {"training": {"epochs": 1}}}
    if balancing == "focal":
        settings["body"] = {"focal": 2.0}
    elif balancing:
        settings["imbalance"] = {"kind": balancing}
    words = None if cell.model == WITHOUT_WORDS else ft.TextEncoder()
    return InterestModel(content=words, bodies=tuple(name.split("+")), **settings)


def question_of(cell: Cell) -> QuestionConfig:
    """What a cell asks. On the click task, the past tells the stars from which labels are made."""
    if cell.data == CTR:
        return QuestionConfig(grade=None if cell.model == WITHOUT_STARS else "event_value")
    if cell.data == ML_1M:
        return QuestionConfig(column="event_value", above=3)
    shown, acted = QUESTIONS[cell.split]
    return QuestionConfig(shown=shown, acted=acted)


def ask(cell: Cell, data: Path) -> Question:
    """The pairs of a cell."""
    asked = question_of(cell)
    if cell.data == SHOP:
        shop = generate(ShopConfig(items=800, people=4000))
        return Question(divided(shop.dataset, asked), shop)
    dataset = ft.read(data / cell.data)
    if cell.data == ML_1M:
        people = np.random.default_rng(0).permutation(len(dataset.user_vocabulary))[:PEOPLE] + 1
        some = np.isin(dataset.user_codes, people)
        dataset = dataset.take_events(some).only_with_events()
    return Question(divided(dataset, asked))


def divided(dataset: Dataset, question: QuestionConfig) -> Parts:
    """Labelled pairs, divided."""
    return divide(labelled(dataset, question))


def truth(question: Question, *, device: bool) -> dict[str, float]:
    """Figures of the probabilities by which the shop's people bought what was in their carts."""
    if question.shop is None:
        raise ValueError("only the shop's truth is known")
    test, shop = question.parts.test, question.shop
    people = shop.dataset.user_vocabulary.encode(test.events["user_id"])
    items = shop.dataset.item_vocabulary.encode(test.events["item_id"])
    moment = shop.config.period.moment(test.timestamps)
    log_odds = BUY_BASE + BUY_SLOPE * shop.truth.preference(people, items, moment)
    if device:
        places = test.events["device"].replace_strict(list(DEVICES), list(range(len(DEVICES))))
        log_odds = log_odds + np.array(BUY_ON_DEVICE)[places.to_numpy()]
    return figures(test.user_codes, test.events[LABEL].to_numpy(), expit(log_odds))


def summary(records: list[Record]) -> dict[str, Any]:
    """A table for each question, a row for each model and what it may know."""
    tables: dict[str, dict[str, Any]] = {}
    for record in done(records):
        cell = record["cell"]
        title = f"{cell['data']} {cell['split'] if cell['data'] == SHOP else ''}".strip()
        for history in record["histories"]:
            name = f"{cell['model']}, known: {history}"
            same = done(records, data=cell["data"], split=cell["split"], model=cell["model"])
            tables.setdefault(title, {})[name] = row(same, history)
    if CTR in tables:
        tables[CTR] |= {
            f"{model} (published)": {"auc": auc, "uauc": uauc, "status": source}
            for model, auc, uauc, source in PUBLISHED
        }
    return tables


def row(records: list[Record], history: str) -> dict[str, Any]:
    """Medians over seeds."""
    found = {
        name: round(median(values), 4)
        for name in SHOWN
        if (
            values := [
                r["histories"][history][name] for r in records if name in r["histories"][history]
            ]
        )
    }
    found["seeds"] = len(records)
    for name in ("fit_seconds", "fit_cpu_seconds", "fit_peak_memory_mib"):
        if name in records[0]:
            found[name.replace("_", " ")] = round(median(r[name] for r in records))
    return found


def targets(records: list[Record]) -> list[dict[str, Any]]:
    """The click task's figures, and the time it may take on two cores."""
    best = done(records, data=CTR, split=REFIT, model=BEST)
    found = [
        at_least(
            f"{CTR}, {BEST}, known: {history}: {name}",
            wanted,
            median(r["histories"][history][name] for r in best) if best else None,
        )
        for history, name, wanted in WANTED
    ]
    took = max((record["seconds"] for record in best), default=None)
    found.append(
        {
            "name": f"{CTR}, {BEST}: minutes to train and test",
            "wanted": f"<= {MINUTES}",
            "got": None if took is None else round(took / 60, 1),
            "met": took is not None and took <= 60 * MINUTES,
        }
    )
    return found
